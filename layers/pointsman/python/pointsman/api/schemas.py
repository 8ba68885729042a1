"""What goes over the wire: requests, which are checked, and answers, which are documented."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from pointsman.instants import instant_of
from pointsman.registry.fields import Feature, Fraction, Modality, Tokens

ModelId = Annotated[str, Field(max_length=200, examples=["deepseek/deepseek-v4-flash"])]
# RFC 9457, as `application/problem+json`.
Code = Annotated[str, Field(pattern="^urn:pointsman:problem:")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _whole_number(value: object) -> object:
    """A query's number in plain digits; Python would also read `1_0` and ` 5`."""
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        raise PydanticCustomError("int_parsing", "not a whole number")
    return value


def _whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _instant(value: object) -> object:
    if isinstance(value, str):
        try:
            return instant_of(value)
        except ValueError:
            raise PydanticCustomError("instant", "neither a date nor a time of RFC 3339") from None
    return value


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
MOST_ON_A_PAGE = 200


class HistoryQuery(_Request):
    """Which decisions a page lists."""

    limit: Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE), BeforeValidator(_whole_number)] = 50
    cursor: Annotated[str | None, Field(max_length=200, description="The `next` of the page before")] = None
    config: Annotated[str | None, Field(max_length=64)] = None
    model: Annotated[str | None, Field(max_length=200, description="An id or an alias of a chosen model")] = None
    since: Annotated[Instant | None, Field(description="Included; UTC where no zone is given")] = None
    until: Annotated[Instant | None, Field(description="Excluded")] = None


class RouteRequest(_Request):
    """A prompt to route, and what is known about the request."""

    prompt: Annotated[
        str,
        Field(
            description="The whole prompt.",
            examples=["What is 1+1?"],
            json_schema_extra={"minLength": 1, "pattern": r"\S"},  # the router refuses a blank one in its own words
        ),
    ]
    config: Annotated[str, Field(max_length=64, description="The router config.")] = "auto"
    task: Annotated[str | None, Field(max_length=200, description="A label kept with the decision.")] = None
    preferred_input_modalities: Annotated[
        list[Modality], Field(max_length=5, description="Candidates must take all of these.")
    ] = []
    supports: Annotated[list[Feature], Field(max_length=3, description="Candidates must support all of these.")] = []
    max_output_tokens: Annotated[
        Annotated[Tokens, BeforeValidator(_whole)] | None,
        Field(description="The limit the model will be called with; sets the expected cost."),
    ] = None


class OutcomeRequest(_Request):
    """What really happened when a selected model was called."""

    model_id: ModelId
    completed: Annotated[bool, Field(strict=True, description="Did it complete the prompt?")]
    score: Annotated[Fraction | None, Field(description="A grade from 0 to 1, where there is one.")] = None
    output_tokens: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000), BeforeValidator(_whole)] | None = None
    cost_usd: Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False)] = None


class StrongestOut(BaseModel):
    """The candidate most likely to complete the prompt."""

    model_id: str
    cost: Annotated[float, Field(description="USD")]


class CandidateOut(BaseModel):
    """A candidate as this prompt saw it."""

    model_id: str
    mu: Annotated[float, Field(description="P(the model completes the prompt)")]
    sigma: Annotated[float, Field(description="Standard deviation of mu")]
    cost: Annotated[float, Field(description="USD")]
    capability: float
    capability_known: bool
    input_tokens: int
    output_tokens: int
    latency_s: float | None


class ExcludedOut(BaseModel):
    """A model of the config that cannot serve the prompt."""

    model_id: str
    why: str


class OutcomeOut(BaseModel):
    """An outcome as it was kept."""

    model_id: str
    completed: bool
    score: float | None
    output_tokens: int | None
    cost_usd: float | None
    ts: str


class SummaryOut(BaseModel):
    """A decision as the list shows it."""

    id: str
    ts: str
    caller: str | None
    config: str
    selected: list[str]
    expected_quality: float
    cost: Annotated[float, Field(description="USD")]
    reason: Literal["threshold", "fallback"]
    strongest: StrongestOut
    prompt_preview: str | None


class DecisionOut(BaseModel):
    """A whole decision; enough to replay it for other thresholds."""

    id: str
    ts: str
    caller: str | None
    config: str
    completion_threshold: float
    fallback_quality_margin: float
    max_k: int
    caution: Annotated[float, Field(description="Standard deviations below mu that must clear the threshold")]
    prompt: Annotated[str | None, Field(description="At most 64 KiB of head and tail")]
    prompt_bytes: int
    prompt_sha256: str
    task: str | None
    selected: Annotated[list[str], Field(description="The chosen models, cheapest first")]
    candidates: list[CandidateOut]
    excluded: list[ExcludedOut]
    difficulty: Annotated[float, Field(description="Logits; higher is harder")]
    expected_quality: float
    cost: Annotated[float, Field(description="USD, the sum over the chosen models")]
    latency: Annotated[float | None, Field(description="Seconds, of the slowest chosen model")]
    utility: float
    strongest: StrongestOut
    reason: Literal["threshold", "fallback"]
    explanation: str
    recorded: bool
    artifact: str


class RecordedDecisionOut(DecisionOut):
    """A decision of the history, with what happened since."""

    outcomes: list[OutcomeOut]


class HistoryOut(BaseModel):
    """A page of the history, newest first."""

    calls: list[SummaryOut]
    next: Annotated[str | None, Field(description="The cursor of the next page; null at the end")]


class ConfigOut(BaseModel):
    """A router config."""

    name: str
    description: str
    models: list[str]
    completion_threshold: float
    fallback_quality_margin: float
    max_k: int
    caution: float
    lambda_cost: float
    lambda_latency: float


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
    """What is running."""

    status: Literal["ok"]
    version: str
    artifact: dict[str, Any]
    registry: dict[str, Any]


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
    errors: list[FieldError] = []
