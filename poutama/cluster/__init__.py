"""The database cluster as its operators see it: what happens to it, and whether it held."""
