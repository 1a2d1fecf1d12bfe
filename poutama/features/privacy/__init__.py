"""Requests of people for access to their data and for its erasure."""
