"""Asks a Pointsman service which model should serve a request."""

__version__ = "0.1.0"
