"""`make package`: the functions' zip files, made on this machine and the same on every other."""
