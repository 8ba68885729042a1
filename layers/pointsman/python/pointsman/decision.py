"""The decision: what was chosen, among what, and why; enough to replay it for other thresholds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pointsman.routing.policy import Reason


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
