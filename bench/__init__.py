"""Measurements. Only ratios count: what a machine does in a second says little about another."""
