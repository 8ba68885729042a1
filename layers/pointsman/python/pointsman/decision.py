"""The decision: what was chosen, among what, and why; enough to replay it for other thresholds."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson
from ulid import ULID

from pointsman.settings import PromptLogging

if TYPE_CHECKING:
    from pointsman.policy import Choice, Reason

KEPT_BYTES = 65_536
ELISION = "\n…\n"


@dataclass(slots=True)  # not frozen: a request makes one for every model, and frozen ones take four times as long
class Candidate:
    """A model as this prompt saw it. `mu` is P(complete), `sigma` its standard deviation, `cost` USD."""

    model_id: str
    mu: float
    sigma: float
    cost: float
    capability: float
    capability_known: bool
    input_tokens: int
    output_tokens: int
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Excluded:
    """A model of the config that cannot serve this prompt, and why."""

    model_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Strongest:
    """The candidate most likely to complete the prompt, and what it would have cost."""

    model_id: str
    cost: float


@dataclass(frozen=True, slots=True)
class KeptPrompt:
    """What the history keeps of a prompt: its text or a part of it, and the identity of the whole."""

    prompt: str | None
    prompt_bytes: int
    prompt_sha256: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. Costs are USD, latency seconds, difficulty logits; `selected` is cheapest first."""

    id: str
    ts: str
    caller: str | None
    config: str
    completion_threshold: float
    fallback_quality_margin: float
    max_k: int
    caution: float
    prompt: str | None
    prompt_bytes: int
    prompt_sha256: str
    task: str | None
    selected: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    difficulty: float
    expected_quality: float
    cost: float
    latency: float | None
    utility: float
    strongest: Strongest
    reason: "Reason"
    explanation: str
    recorded: bool
    artifact: str

    def to_json(self) -> bytes:
        """The decision as the API answers it."""
        return orjson.dumps(self)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        document: dict[str, Any] = orjson.loads(self.to_json())
        return document


def kept_prompt(prompt: str, view: str, logging: PromptLogging) -> KeptPrompt:
    """What is kept of a prompt: at most 64 KiB of head and tail, or of its view, or nothing but its hash."""
    raw = prompt.encode()
    text = {PromptLogging.FULL: prompt, PromptLogging.VIEW: view, PromptLogging.HASH: None}[logging]
    if text is not None:
        text = shortened_prompt(text, KEPT_BYTES)
    return KeptPrompt(text, len(raw), hashlib.sha256(raw).hexdigest())


def shortened_prompt(text: str, most: int) -> str:
    """Head and tail of a text, of at most `most` bytes in all beside the mark between them; a short one whole."""
    whole = text.encode()
    if len(whole) <= most:
        return text
    head, tail = whole[: most // 2], whole[len(whole) - most // 2 :]
    return head.decode(errors="ignore") + ELISION + tail.decode(errors="ignore")


class Ids:
    """ULIDs that rise strictly within a process, also within one millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self, instant: datetime) -> str:
        """The id of a decision made at an instant (UTC)."""
        fresh = int(ULID.from_datetime(instant))
        with self._lock:
            self._last = fresh if fresh >> 80 > self._last >> 80 else self._last + 1
            return str(ULID.from_int(self._last))


def timestamp(instant: datetime) -> str:
    """An instant as ISO 8601 with milliseconds, such as 2026-11-22T23:31:48.123Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def explain(selected: Sequence[str], choice: "Choice", threshold: float, margin: float, caution: float, n: int) -> str:
    """One sentence that says why this choice, among n candidates."""
    names = " with ".join(selected)
    verb = "is" if len(selected) == 1 else "are together"
    among = f"of {n} candidates" if n > 1 else "of 1 candidate"
    expected = f"{choice.expected_quality:.0%} expected"
    if caution:
        expected += f", {choice.asked_quality:.0%} at a caution of {caution:g}"
    if choice.reason == "threshold":
        return (
            f"{names} {verb} the cheapest choice {among} that clears the completion threshold: "
            f"{expected}, {threshold:.0%} asked for."
        )
    return (
        f"No choice {among} clears the completion threshold of {threshold:.0%}; {names} {verb} the cheapest "
        f"within {margin * 100:.3g} points of the best: {expected}."
    )
