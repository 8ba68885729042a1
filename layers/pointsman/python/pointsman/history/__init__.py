"""The history of decisions: one protocol, one contract, one store a file. `compose.open_history` opens one."""

from pointsman.history.base import Filter, History, Page, summary_of
from pointsman.history.durable import append_or_log
from pointsman.history.replay import replay

__all__ = ["Filter", "History", "Page", "append_or_log", "replay", "summary_of"]
