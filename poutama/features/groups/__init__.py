"""Organisations, groups and memberships."""
