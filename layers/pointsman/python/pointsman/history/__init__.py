"""The history of decisions: one protocol, one contract, one store a file."""

from pointsman.history.base import Filter, History, Page, summary_of
from pointsman.history.record import record, replay
from pointsman.history.stores import open_history

__all__ = ["Filter", "History", "Page", "open_history", "record", "replay", "summary_of"]
