"""The schema's history: one file a step in `versions/`, run by `poutama.db.migrate`.

Features of other packages have their own; `env.py` runs theirs as well.

Read by Alembic; never imported by a function.
"""
