"""What exists: SDL files with mapping directives, loaded into a `Model`. Pure but for the files."""
