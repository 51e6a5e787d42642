"""Containers for this repository: an engine, images with and without a registry, a way in."""
