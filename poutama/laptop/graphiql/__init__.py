"""GraphiQL, the page to try the API in: on a laptop only, needing no internet once installed."""
