"""What runs topshelf: command line, local cloud, simulated platform."""
