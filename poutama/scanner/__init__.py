"""Virus scanners: a port, and the adapter for clamd. None is installed or needed by default."""
