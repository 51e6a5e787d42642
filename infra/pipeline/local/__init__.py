"""A stage on this machine: the local cloud stands for AWS."""
