"""Accounts of students without an address, and the codes by which they claim them."""
