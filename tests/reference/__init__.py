"""The goals API answered by plain resolvers: what the compiled engine is compared with."""
