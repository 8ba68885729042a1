"""The provider behind the proxies: chat completions and vectors as OpenAI answers them, and a book of what it served.

What it reports of a request, and whether it fails, follows from the request's tag alone; the book is what the
simulation counts money from.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.fortnight.workload import Fate
from scripts.harness.http_server import Answering, listening

TEXT = "Done."


class Usage(NamedTuple):
    """Tokens of one answer; `cached` is part of `read`."""

    read: int
    cached: int
    written: int


class Provider:
    """What was served by tag, and how often each was asked for."""

    def __init__(self, fates: Mapping[str, Fate], seed: int) -> None:
        self.fates, self.seed = fates, seed
        self.url = ""
        self.served: dict[str, list[Usage]] = {}
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def usage_of(self, tag: str) -> Usage:
        """What a request uses."""
        chance = random.Random(f"{self.seed} {tag}")
        read = chance.randint(20, 6_000)
        cached = chance.randint(0, read) if chance.random() < 0.3 else 0
        return Usage(read, cached, max(1, round(chance.lognormvariate(5.5, 1.2))))

    def serve(self, tag: str) -> Usage | None:
        """Serve a request, and note it; None where it fails."""
        with self._lock:
            self.asked[tag] += 1
            fate = self.fates[tag]
            if fate == "fails" or (fate == "fails once" and self.asked[tag] == 1):
                return None
            used = self.usage_of(tag)
            self.served.setdefault(tag, []).append(used)
            return used


@contextmanager
def providing(fates: Mapping[str, Fate], seed: int) -> Iterator[Provider]:
    """A provider on this machine for the block."""
    provider = Provider(fates, seed)

    class Handler(Answering):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def post(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            used = provider.serve(body["user"])
            if used is None:
                self.answer(500, "application/json", b'{"error": {"message": "down", "type": "server_error"}}')
            elif self.path.endswith("/embeddings"):
                self.answer(200, "application/json", json.dumps(_vectors(body, used)).encode())
            elif body.get("stream"):
                self.answer(200, "text/event-stream", b"".join(_events(body, used)))
            else:
                self.answer(200, "application/json", json.dumps(_chat(body, used)).encode())

    with listening(Handler) as provider.url:
        yield provider


def _usage(used: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": used.read,
        "completion_tokens": used.written,
        "total_tokens": used.read + used.written,
        "prompt_tokens_details": {"cached_tokens": used.cached},
    }


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{body['user']}", "object": kind, "created": 1, "model": body["model"]}


def _chat(body: Mapping[str, Any], used: Usage) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(used)}


def _events(body: Mapping[str, Any], used: Usage) -> Iterator[bytes]:
    head = _head(body, "chat.completion.chunk")
    delta = {"index": 0, "delta": {"role": "assistant", "content": TEXT}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    for more in ({"choices": [delta]}, {"choices": [end]}, {"choices": [], "usage": _usage(used)}):
        yield f"data: {json.dumps({**head, **more})}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _vectors(body: Mapping[str, Any], used: Usage) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
    usage = {"prompt_tokens": used.read, "total_tokens": used.read}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}
