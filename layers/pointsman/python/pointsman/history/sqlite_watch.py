"""Is the SQLite file still the one that was opened? Looked at before every use, in some tens of microseconds.

A file that was deleted, replaced, written over or lost its log (`-wal`) takes what is appended and keeps none of it,
or is destroyed by it. Deleting and replacing show in the inode. Writing over it shows in the time of its last change:
in WAL mode only a checkpoint writes to the file, and a checkpoint shows in the log's index (`-shm`), whose layout is
documented (https://sqlite.org/walformat.html, "The WAL-Index File Format"). A log that was cut is shorter than the
index says.
"""

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

# Of the index's header: page size, number of frames, salts; and of what follows it, how much is checkpointed.
_HEADER = struct.Struct("=14xHI12x2I")
_CHECKPOINT = struct.Struct("=96xI28xI")
_INDEX_BYTES = 136
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_SURE_S = 0.01


@dataclass(frozen=True, slots=True)
class _Index:
    """What the log's index says of checkpoints and of the log's length."""

    checkpoint: tuple[int, ...]
    running: bool
    log_bytes: int


class FileWatch:
    """The identity of an open history file. Make it once a connection has read from the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
        # Never closed while SQLite has the file open: closing any descriptor of a file drops the process's locks on it.
        try:
            self._index: int | None = os.open(index, os.O_RDONLY)
        except OSError:
            self._index = None
        self._identity = self._identities()
        self._known = self._state()

    def change(self) -> str | None:
        """What happened to the file, in the operator's words; None where it is as it should be."""
        found = self._look()
        if found is not None:
            time.sleep(_SURE_S)  # not in the middle of another process's checkpoint
            found = self._look()
        return found

    def settle(self) -> None:
        """Take the file as it is now for right, since this process has just written to it."""
        self._known = self._state()

    def close(self) -> None:
        """Let go, after the connections were closed."""
        if self._index is not None:
            os.close(self._index)
            self._index = None

    def _look(self) -> str | None:
        try:
            if self._identities() != self._identity:
                return "it or its -wal file was replaced by another"
        except OSError:
            return "it or its -wal file was deleted or moved away"
        now = self._state()
        if now is None or self._known is None:
            return None
        (written, index), (written_before, index_before) = now, self._known
        if written != written_before and index.checkpoint == index_before.checkpoint and not index.running:
            return "something else wrote over it"
        if self._log.stat().st_size < index.log_bytes:
            return "its -wal file was cut"
        self._known = now
        return None

    def _identities(self) -> list[tuple[int, int]]:
        paths = (self._path,) if self._index is None else (self._path, self._log)
        found = [path.stat() for path in paths]
        return [(one.st_dev, one.st_ino) for one in found]

    def _state(self) -> tuple[tuple[int, int], _Index] | None:
        """When the file was last written and its size, with what the index said at that time."""
        for _ in range(100):
            before = self._read_index()
            if before is None:
                return None
            one = self._path.stat()
            if self._read_index() == before:
                return (one.st_mtime_ns, one.st_size), before
        return None  # it is being written without pause; another look will see

    def _read_index(self) -> _Index | None:
        data = os.pread(self._index, _INDEX_BYTES, 0) if self._index is not None else b""
        if len(data) < _INDEX_BYTES:
            return None
        page, frames, *salts = _HEADER.unpack_from(data)
        done, begun = _CHECKPOINT.unpack_from(data)
        page = 65_536 if page == 1 else page
        size = _WAL_HEADER_BYTES + frames * (_FRAME_HEADER_BYTES + page) if frames else 0
        return _Index((*salts, done, begun), begun > done, size)
