"""The export of a learning journey: what a student has done here, as files of their own.

`request` takes the wish, `steps` does the work piece by piece, `sweep` forgets what is old. Between
them: `journey` is the data, `document`, `tables` and `pdf_document` are its three forms, `packing`
the zip. `docs/exports.md` says what is in it.
"""
