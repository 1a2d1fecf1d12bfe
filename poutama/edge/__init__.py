"""The edge: HTTP in, HTTP out, and who is asking. Nothing here knows SQL."""
