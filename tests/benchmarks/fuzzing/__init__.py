"""Fuzzing of the whole platform: what is sent, how, and what is demanded of the answers."""
