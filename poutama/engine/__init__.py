"""The two flows of an operation, read and write, from request to JSON bytes."""

from poutama.engine.answer import GraphQLResponse
from poutama.engine.flow import Engine

__all__ = ["Engine", "GraphQLResponse"]
