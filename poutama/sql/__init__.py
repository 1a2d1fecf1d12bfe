"""Plan -> one statement, in two renderings. Pure: text and parameters only."""
