"""The two flows of an operation, read and write, from request to JSON bytes."""

from poutama.engine.execution import Engine
from poutama.engine.response import GraphQLResponse

__all__ = ["Engine", "GraphQLResponse"]
