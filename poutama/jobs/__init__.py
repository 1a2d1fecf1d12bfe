"""Long work: jobs in a table, messages that wake workers. See `docs/jobs.md`."""
