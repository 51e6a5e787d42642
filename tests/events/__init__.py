"""Events as functions were called with them, by function: recorded, see record.py."""
