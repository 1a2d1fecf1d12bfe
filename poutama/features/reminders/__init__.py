"""Reminders of goals that are due."""
