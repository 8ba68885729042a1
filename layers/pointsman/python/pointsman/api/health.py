"""Alive and ready: whether the process answers, and whether it can do its work, store included.

`alive` waits for nothing: it says what is loaded and how recording went lately. `ready` asks the store, at most once in
a few seconds however often it is asked itself.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any

import pointsman
from pointsman.artifact.manifest import Manifest
from pointsman.errors import HistoryUnavailable
from pointsman.history import History
from pointsman.history.durable import Recorder
from pointsman.registry import Registry

ASKED_EVERY_S = 2.0
# What `ready` was refused is told by `alive` for so long; recording tells itself when it works again.
REMEMBERED_S = 10.0


class Health:
    """What the health routes of one process answer; it holds no path and no secret."""

    def __init__(
        self,
        registry: Registry,
        manifest: Manifest,
        digest: str,
        history: History | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._about: Mapping[str, Any] = {
            "version": pointsman.__version__,
            "artifact": {
                "name": manifest.name,
                "digest": digest,
                "created": manifest.created,
                "embedder": manifest.embedder.name,
            },
            "registry": {
                "digest": registry.digest,
                "models": len(registry.models),
                "configs": len(registry.configs),
            },
        }
        self._history, self._recorder = history, recorder
        self._asking = threading.Lock()
        self._asked = -ASKED_EVERY_S
        self._refusal: HistoryUnavailable | None = None

    def alive(self) -> dict[str, Any]:
        """`degraded` where decisions are answered and not recorded."""
        state = self._recorder.state() if self._recorder is not None else None
        refused = self._refusal is not None and time.monotonic() - self._asked < REMEMBERED_S
        working = not refused and (state is None or state.recording)
        last = state.last_append if state is not None else None
        if working:
            return {"status": "ok", **self._about, "last_append": last}
        refusal = self._refusal
        reason = refusal.told if refused and refusal is not None else state.told if state is not None else None
        return {"status": "degraded", "reason": reason, **self._about, "last_append": last}

    def ready(self) -> dict[str, Any]:
        """What a process that can do its work says.

        Raises:
            HistoryUnavailable: the store cannot be written.
        """
        state = self._recorder.state() if self._recorder is not None else None
        if self._history is not None:
            with self._asking:
                # A store that was well a moment ago is asked again at once where recording says otherwise.
                doubted = self._refusal is None and state is not None and not state.recording
                if doubted or time.monotonic() - self._asked >= ASKED_EVERY_S:
                    self._ask(self._history)
            if self._refusal is not None:
                raise self._refusal
        return {
            "status": "ready",
            "artifact": self._about["artifact"]["digest"],
            "store": "none" if self._history is None else "writable",
            "last_append": state.last_append if state is not None else None,
        }

    def _ask(self, history: History) -> None:
        try:
            history.probe()
            self._refusal = None
        except HistoryUnavailable as error:
            self._refusal = error
        self._asked = time.monotonic()
