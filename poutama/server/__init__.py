"""The processes that keep running: the HTTP server of `make up` and `poutama serve`, the worker."""
