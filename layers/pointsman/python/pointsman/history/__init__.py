"""The history of decisions: one protocol, one contract, one store a file."""

from pointsman.history.base import Filter, History, Page, summary_of
from pointsman.history.record import record, replay

__all__ = ["Filter", "History", "Page", "record", "replay", "summary_of"]
