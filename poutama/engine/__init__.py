"""The two flows of an operation, read and write, from request to JSON bytes."""

from poutama.engine.answer import Answer
from poutama.engine.flow import Engine

__all__ = ["Answer", "Engine"]
