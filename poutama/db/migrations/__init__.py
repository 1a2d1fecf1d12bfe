"""The schema's history: one file a step in `versions/`, run by `poutama.db.migrate`.

Read by Alembic; never imported by a function.
"""
