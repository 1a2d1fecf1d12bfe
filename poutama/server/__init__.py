"""The long-running HTTP server that `make up` and `poutama serve` share."""
