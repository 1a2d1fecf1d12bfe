"""Goals with their tasks and notes."""
