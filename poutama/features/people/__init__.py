"""People, and who read or changed their data."""
