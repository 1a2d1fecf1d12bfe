"""Opened records: how managers and administrators read what a student wrote."""
