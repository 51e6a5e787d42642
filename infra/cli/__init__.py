"""The ``topshelf`` command."""
