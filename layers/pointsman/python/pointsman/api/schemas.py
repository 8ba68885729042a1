"""What the API answers, documented."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from pointsman.registry import RouterConfig

Reason = Literal["threshold", "value", "fallback", "session", "default", "observed"]
# RFC 9457, as `application/problem+json`.
Code = Annotated[str, Field(pattern="^urn:pointsman:problem:")]


class StrongestOut(BaseModel):
    """The candidate most likely to complete the prompt."""

    model_id: str
    cost: Annotated[float | None, Field(description="USD; null where the price is not known")]


class CandidateOut(BaseModel):
    """A candidate as this prompt saw it: a model at an effort."""

    model_id: Annotated[str, Field(description="The candidate's id: model@effort, or the model's alone")]
    effort: str | None = None
    mu: Annotated[float, Field(description="P(the model completes the prompt)")]
    sigma: Annotated[float, Field(description="Standard deviation of mu")]
    cost: Annotated[float | None, Field(description="USD; null where the price is not known")]
    capability: float
    capability_known: Annotated[bool, Field(description="Left out where it is true")] = True
    input_tokens: int
    output_tokens: Annotated[int, Field(description="Expected")]
    latency_s: Annotated[float | None, Field(description="Left out where it is not known")] = None


def _name_beside(schema: dict[str, Any]) -> None:
    # It is put beside a record's own fields where a name was asked with, or a gateway's names were.
    schema["properties"]["model"] = {
        "type": "string",
        "description": "What the caller, or its gateway, calls the model; left out where no name was asked for",
    }


class CallOut(BaseModel):
    """How to call a chosen model."""

    model_config = ConfigDict(json_schema_extra=_name_beside)

    model_id: Annotated[str, Field(description="The model's own id")]
    effort: str | None
    request: Annotated[dict[str, Any], Field(description="To be merged into the body of the call (OpenAI chat)")]


class FallbackOut(CallOut):
    """What to call where everything before it is unavailable."""

    expected_quality: float
    cost: Annotated[float | None, Field(description="USD")]
    reason: Reason


class CostPartsOut(BaseModel):
    """USD by part; the total is the decision's cost."""

    input: float | None
    cached: float | None
    output: float | None
    total: float | None


class OutputTokensOut(BaseModel):
    """Output tokens of what was chosen."""

    expected: int
    p90: Annotated[int, Field(description="What nine of ten answers stay within")]


class ShadowOut(BaseModel):
    """What would have been chosen where the caller's own model is only observed."""

    selected: list[str]
    expected_quality: float
    cost: Annotated[float | None, Field(description="USD; null where the price is not known")]
    reason: Reason


class ExcludedOut(BaseModel):
    """A model of the config that cannot serve the prompt."""

    model_id: str
    why: str


class OutcomeOut(BaseModel):
    """An outcome as it was kept."""

    model_id: str
    completed: bool | None = None
    score: float | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    cost_usd: float | None = None
    finish_reason: str | None = None
    error: str | None = None
    source: str | None = None
    reported_by: Annotated[str | None, Field(description="The caller that reported it; null where nobody asked")] = None
    ts: str


class SummaryOut(BaseModel):
    """A decision as the list shows it."""

    id: str
    ts: str
    caller: str | None
    config: str
    selected: list[str]
    expected_quality: float
    cost: Annotated[float | None, Field(description="USD; null where a price is not known")]
    reason: Reason
    strongest: StrongestOut
    prompt_preview: str | None


class BriefOut(BaseModel):
    """What a caller needs to act on a decision (`?detail=brief`)."""

    id: str
    config: str
    selected: Annotated[list[str], Field(description="The chosen candidates, cheapest first")]
    calls: Annotated[list[CallOut], Field(description="How to call each of them")]
    fallbacks: Annotated[list[FallbackOut], Field(description="What to call where they are unavailable, in this order")]
    expected_quality: float
    cost: Annotated[float | None, Field(description="USD, the sum over the chosen; null where a price is not known")]
    costs: CostPartsOut
    tokens: OutputTokensOut
    latency: Annotated[float | None, Field(description="Seconds, of the slowest chosen")]
    reason: Reason
    explanation: str
    session: Annotated[
        dict[str, Any] | None,
        Field(description="The conversation it belongs to: its turn, what held it before, whether that stays"),
    ] = None
    shadow: ShadowOut | None = None
    recorded: bool


class DecisionOut(BriefOut):
    """A whole decision; enough to replay it for other bars and another worth."""

    ts: str
    caller: str | None
    policy: Literal["threshold", "value"]
    completion_threshold: Annotated[float, Field(description="The bar; 0 where a value policy asks for none")]
    fallback_quality_margin: float
    within: Annotated[float | None, Field(description="How far below the best candidate a choice may lie")]
    worth_usd: Annotated[float | None, Field(description="What a completed request is worth; null: the cheapest")]
    worth_of_a_second: Annotated[float, Field(description="USD that a second of waiting costs")]
    max_cost_usd: float | None
    max_k: int
    caution: Annotated[float, Field(description="Standard deviations below mu that must clear the threshold")]
    prompt: Annotated[str | None, Field(description="At most 64 KiB of head and tail")]
    prompt_bytes: int
    prompt_sha256: str
    task: str | None
    candidates: list[CandidateOut]
    excluded: list[ExcludedOut]
    difficulty: Annotated[float, Field(description="Logits; higher is harder")]
    difficulty_sd: Annotated[float, Field(description="Logits")]
    domains: Annotated[
        list[tuple[int, float]], Field(description="The domains it belongs to most, each with its share")
    ]
    work: Annotated[dict[str, float] | None, Field(description="Shares of kinds of work; null: not known")]
    utility: float
    value: Annotated[float | None, Field(description="USD: worth of the expected completion less cost and waiting")]
    strongest: StrongestOut
    asked: Annotated[dict[str, Any], Field(description="What the request asked for beside its prompt")]
    artifact: str


# Fields that decisions did not always have: one that is older than a field lacks it.
LATER = (
    "policy",
    "within",
    "worth_usd",
    "worth_of_a_second",
    "max_cost_usd",
    "calls",
    "fallbacks",
    "difficulty_sd",
    "domains",
    "work",
    "costs",
    "tokens",
    "value",
    "asked",
)


def _no_default(schema: dict[str, Any]) -> None:
    # It may be absent and is then nothing at all: null is no default of it.
    del schema["default"]


def _later(name: str) -> tuple[Any, Any]:
    field = DecisionOut.model_fields[name]
    told = Field(default=None, description=field.description, json_schema_extra=_no_default)
    return field.rebuild_annotation(), told


_optional: dict[str, Any] = {name: _later(name) for name in LATER}
RecordedDecisionOut = create_model(
    "RecordedDecisionOut",
    __base__=DecisionOut,
    __doc__="A decision of the history, with what happened since. One that is older than a field lacks it.",
    outcomes=(list[OutcomeOut], ...),
    **_optional,
)


class HistoryOut(BaseModel):
    """A page of the history, newest first."""

    calls: list[SummaryOut]
    next: Annotated[str | None, Field(description="The cursor of the next page; null at the end")]


class ConfigOut(RouterConfig):
    """A router config, as its file says it, and what it says nothing of."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    candidates: Annotated[int, Field(description="How many models at an effort it stands for")]


class ConfigsOut(BaseModel):
    """Every router config."""

    configs: list[ConfigOut]


class ModelOut(BaseModel):
    """A model of the registry. Prices are USD per 1,000 tokens, benchmarks percent."""

    model_config = ConfigDict(extra="allow")

    model_id: str
    provider: str
    release_date: date | None
    input_cost_per_1k: Annotated[float | None, Field(description="USD; null where the price is not known")]
    output_cost_per_1k: float | None
    benchmarks: dict[str, float]
    as_of: date
    capability: Annotated[float | None, Field(description="A fraction; null where nothing is published")]
    capability_known: bool
    configs: Annotated[list[str], Field(description="The configs it is a candidate of")]


class ModelsOut(BaseModel):
    """Every model of the registry."""

    models: list[ModelOut]


class HealthOut(BaseModel):
    """What is running; degraded: decisions are answered and not recorded."""

    status: Literal["ok", "degraded"]
    reason: Annotated[str | None, Field(description="Of degraded: what is not done, and what helps")] = None
    version: str
    artifact: dict[str, Any]
    registry: dict[str, Any]
    last_append: Annotated[str | None, Field(description="When this process last recorded a decision")]


class ReadyOut(BaseModel):
    """A process that can do its work; one that cannot answers 503."""

    status: Literal["ready"]
    artifact: Annotated[str, Field(description="Its digest")]
    store: Literal["writable", "none"]
    last_append: str | None


class DeletedOut(BaseModel):
    """What was deleted."""

    deleted: Annotated[str, Field(description="The id of the decision")]


class FieldError(BaseModel):
    """One faulty field."""

    field: str
    message: str
    remedy: str
    value: str | None = None


class ProblemOut(BaseModel):
    """An RFC 9457 problem document."""

    type: Code
    title: str
    status: int
    detail: str
    errors: Annotated[list[FieldError], Field(max_length=20)] = []
    more_errors: Annotated[int, Field(description="How many there are beside these")] = 0
