"""Addresses that one person has and another claims."""
