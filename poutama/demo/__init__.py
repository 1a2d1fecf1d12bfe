"""The demo school: made-up people and what they might have written."""
