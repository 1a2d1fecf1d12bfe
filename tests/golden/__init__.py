"""Golden documents: what is asked, planned, sent and answered, each in one file to be read."""
