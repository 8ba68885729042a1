"""The decision: what was chosen, among what, and why; enough to replay it for other bars and another worth.

It is serialized once: the store keeps the bytes that the API answers. What `recorded` says is known only once the store
has answered, so it comes last in them. Numbers of candidates are rounded before anything is compared, so that what is
told is exactly what was decided on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import orjson

if TYPE_CHECKING:
    from pointsman.routing.policy import Reason


class Candidate(NamedTuple):
    """A model at an effort as this prompt saw it.

    `model_id` is the candidate's id, `model@effort` or the model's alone; `mu` is P(complete), `sigma` its standard
    deviation, `cost` USD (NaN where its price is not known), `latency_s` seconds.
    """

    model_id: str
    effort: str | None
    mu: float
    sigma: float
    cost: float
    capability: float
    capability_known: bool
    input_tokens: int
    output_tokens: int
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Candidates(Sequence[Candidate]):
    """The candidates of a decision, cheapest first, kept as columns: each is made only where it is looked at."""

    model_id: list[str]
    effort: list[str | None]
    mu: list[float]
    sigma: list[float]
    cost: list[float]
    capability: list[float]
    capability_known: list[bool]
    input_tokens: list[int]
    output_tokens: list[int]
    latency_s: list[float | None]

    def __len__(self) -> int:
        return len(self.model_id)

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, place: int | slice) -> Candidate | tuple[Candidate, ...]:
        if isinstance(place, slice):
            return tuple(self)[place]
        return Candidate(*(column[place] for column in self._columns()))

    def __iter__(self) -> Iterator[Candidate]:
        return map(Candidate._make, zip(*self._columns(), strict=True))

    def rows(self) -> list[dict[str, Any]]:
        """Each as an object, without what goes without saying: a capability that is known, a latency that is not."""
        rows: list[dict[str, Any]] = [
            {
                "model_id": model_id,
                "effort": effort,
                "mu": mu,
                "sigma": sigma,
                "cost": cost,
                "capability": capability,
                "input_tokens": read,
                "output_tokens": written,
            }
            for model_id, effort, mu, sigma, cost, capability, _, read, written, _ in zip(*self._columns(), strict=True)
        ]
        if not all(self.capability_known):
            for row, known in zip(rows, self.capability_known, strict=True):
                if not known:
                    row["capability_known"] = False
        if self.latency_s.count(None) < len(rows):
            for row, latency in zip(rows, self.latency_s, strict=True):
                if latency is not None:
                    row["latency_s"] = latency
        return rows

    def _columns(self) -> tuple[Sequence[Any], ...]:
        return (
            self.model_id,
            self.effort,
            self.mu,
            self.sigma,
            self.cost,
            self.capability,
            self.capability_known,
            self.input_tokens,
            self.output_tokens,
            self.latency_s,
        )


@dataclass(frozen=True, slots=True)
class Excluded:
    """A candidate of the config that cannot serve this prompt, and why."""

    model_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Strongest:
    """The candidate most likely to complete the prompt, and what it would have cost."""

    model_id: str
    cost: float


@dataclass(frozen=True, slots=True)
class Call:
    """How to call what was chosen: the model's own id, its effort, and what to merge into the body of the call."""

    model_id: str
    effort: str | None
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fallback:
    """What the same policy takes where everything before it is unavailable; a call, and what is expected of it."""

    model_id: str
    effort: str | None
    request: Mapping[str, Any]
    expected_quality: float
    cost: float
    reason: "Reason"


@dataclass(frozen=True, slots=True)
class CostParts:
    """USD of a decision by part; `total` is its `cost`."""

    input: float
    cached: float
    output: float
    total: float


@dataclass(frozen=True, slots=True)
class OutputTokens:
    """Output tokens of what was chosen: what is expected, and what nine of ten answers stay within."""

    expected: int
    p90: int


@dataclass(slots=True)
class Decision:
    """One decision. Costs are USD, latency seconds, difficulty logits; `selected` is cheapest first.

    `completion_threshold` is the bar that was asked for; 0 where a value policy asks for none.
    """

    id: str
    ts: str
    caller: str | None
    config: str
    policy: str
    completion_threshold: float
    fallback_quality_margin: float
    within: float | None
    worth_usd: float | None
    worth_of_a_second: float
    max_cost_usd: float | None
    max_k: int
    caution: float
    prompt: str | None
    prompt_bytes: int
    prompt_sha256: str
    task: str | None
    selected: tuple[str, ...]
    calls: tuple[Call, ...]
    fallbacks: tuple[Fallback, ...]
    candidates: Candidates
    excluded: tuple[Excluded, ...]
    difficulty: float
    difficulty_sd: float
    domains: tuple[tuple[int, float], ...]
    work: Mapping[str, float] | None
    expected_quality: float
    cost: float
    costs: CostParts
    tokens: OutputTokens
    latency: float | None
    utility: float
    value: float | None
    strongest: Strongest
    reason: "Reason"
    explanation: str
    session: Mapping[str, Any] | None
    shadow: Mapping[str, Any] | None  # what would have been chosen, where the caller's own model is only observed
    asked: Mapping[str, Any]
    artifact: str
    recorded: bool = False
    _open: bytes | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> bytes:
        """The decision as the API answers it."""
        return self._json(self.recorded)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        document: dict[str, Any] = orjson.loads(self.to_json())
        return document

    def record(self) -> "Serialized":
        """The decision as a store keeps it: what is kept is recorded."""
        return Serialized({name: getattr(self, name) for name in HEAD}, self._json(recorded=True))

    def brief(self) -> bytes:
        """What a caller needs to act on the decision, as JSON: what to call, what to call next, and why."""
        return orjson.dumps({name: getattr(self, name) for name in BRIEF})

    def _json(self, recorded: bool) -> bytes:
        if self._open is None:
            document = {name: getattr(self, name) for name in NAMES}
            document["candidates"] = self.candidates.rows()
            self._open = orjson.dumps(document)[:-1]
        return self._open + (b',"recorded":true}' if recorded else b',"recorded":false}')


# The fields of a decision but `recorded`, in their order.
NAMES = tuple(one.name for one in fields(Decision) if one.name not in ("recorded", "_open"))
# What a list of decisions is made from.
HEAD = ("id", "ts", "caller", "config", "selected", "expected_quality", "cost", "reason", "strongest", "prompt")
BRIEF = (
    "id",
    "config",
    "selected",
    "calls",
    "fallbacks",
    "expected_quality",
    "cost",
    "costs",
    "tokens",
    "latency",
    "reason",
    "explanation",
    "session",
    "shadow",
    "recorded",
)


class Serialized(Mapping[str, Any]):
    """A decision on its way into a store: its bytes, and the few fields that lists are made from.

    Any other field is read from the bytes, which costs as much as parsing them.
    """

    def __init__(self, head: dict[str, Any], json: bytes) -> None:
        self.json = json
        self._head = head
        self._whole: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._head[name] if name in self._head else self._parsed()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def _parsed(self) -> dict[str, Any]:
        if self._whole is None:
            self._whole = orjson.loads(self.json)
        return self._whole
