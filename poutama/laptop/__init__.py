"""The cloud on a laptop: the demo school, the local issuer, and everything up with one command."""
