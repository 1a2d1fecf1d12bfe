"""Poutama: a scalable, serverless backend for student learning journeys."""

__version__ = "0.1.0"
