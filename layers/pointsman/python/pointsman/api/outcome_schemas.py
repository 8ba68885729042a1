"""Reports of what happened, as they go over the wire."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from pointsman.api.request_schemas import ModelId, Strict, whole
from pointsman.registry.fields import Fraction

_Used = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000), BeforeValidator(whole)] | None


class OutcomeRequest(Strict):
    """What really happened when a model was called: a verdict, what was used, or that the call failed."""

    model_id: Annotated[
        ModelId, Field(description="Who served: any candidate or fallback, by id, alias or gateway's name")
    ]
    completed: Annotated[
        bool | None, Field(strict=True, description="Did it complete the prompt? Null where nobody judged.")
    ] = None
    score: Annotated[Fraction | None, Field(description="A grade from 0 to 1, where there is one.")] = None
    input_tokens: _Used = None
    cached_tokens: Annotated[_Used, Field(description="Of the input tokens, those that a cache served.")] = None
    output_tokens: _Used = None
    latency_ms: Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False)] = None
    cost_usd: Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False)] = None
    finish_reason: Annotated[str | None, Field(max_length=64, description="As the provider says it.")] = None
    error: Annotated[str | None, Field(max_length=500, description="Why the call failed.")] = None
    source: Annotated[Literal["user", "judge", "test", "gateway"] | None, Field(description="Who or what says so.")] = (
        None
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = self.model_dump(exclude={"model_id", "source", "id"}, exclude_none=True)
        if not said:
            raise ValueError(
                "nothing is reported beside the model; say at least one of: completed, score, "
                "output_tokens, cost_usd, finish_reason, error"
            )
        if self.cached_tokens is not None and self.input_tokens is not None and self.cached_tokens > self.input_tokens:
            raise ValueError(f"cached_tokens ({self.cached_tokens}) are more than input_tokens ({self.input_tokens})")
        return self


class BatchedOutcome(OutcomeRequest):
    """An outcome of one decision among several."""

    id: Annotated[str, Field(max_length=64, description="The decision's id")]


class OutcomesRequest(Strict):
    """Outcomes of several decisions; each is added to what is known, or refused, by itself."""

    outcomes: Annotated[list[BatchedOutcome], Field(min_length=1, max_length=200)]


class OutcomeResultOut(BaseModel):
    """What became of one outcome of a batch."""

    id: str
    model_id: str
    status: Annotated[int, Field(description="200: kept; else as the same outcome alone would be answered")]
    detail: str | None = None


class OutcomeResultsOut(BaseModel):
    """What became of a batch, in its order."""

    results: list[OutcomeResultOut]
