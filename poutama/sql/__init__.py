"""Plan -> one statement, in two renderings. Pure: text and parameters only.

`fragment` quotes names and places values, `condition` joins conditions, `names` lists what the
parts of a statement are called.
"""
