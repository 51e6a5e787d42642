"""Answering a viewer from ready lists."""
