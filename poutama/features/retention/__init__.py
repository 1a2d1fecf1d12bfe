"""The end of keeping data of people who left."""
