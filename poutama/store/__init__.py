"""Where files live: object storage, reached by signed addresses. See `docs/files.md`."""
