"""Evidence: the files that students add to their goals, from the upload to the picture seen.

`procedures` are its mutations, `job` makes an upload fit to be served, `sweep` clears away what
was never finished. `types`, `sniffing`, `metadata` and `pictures` know files and nothing else.
"""
