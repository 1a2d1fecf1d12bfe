"""GraphQL -> plan: parse, validate, count limits, build a small tree. Pure; no SQL text in it."""
