"""What is known of a model at one effort: how to ask for it, what it scored there, how much it writes there.

A published score belongs to the effort it was measured at.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

from pointsman.faults import Misfit, Misfits
from pointsman.registry.fields import Day, Dialect, Level, MeanTokens, Name, Percent, Positive, Text, Work
from pointsman.registry.requests import request_faults


class Source(BaseModel):
    """Where figures come from: who measured them, when, and where they are to be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_by: Name | None = None
    date: Day | None = None
    source: Text | None = None
    note: Text | None = None


class Figure(BaseModel):
    """One published score in percent, with who measured it, when, and where it is to be read.

    In a file it may be the bare number, or name one of the model's `sources` (`by`) for what it does not say itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: Percent
    # Of a figure that does not stand under a level: the level it was measured at. None: the source does not say.
    effort: Level | None = None
    measured_by: Name | None = None
    date: Day | None = None
    source: Text | None = None
    note: Text | None = None
    by: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"score": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_serializer
    def _short(self) -> dict[str, Any] | float:
        fields: dict[str, Any] = {
            name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None
        }
        if "date" in fields:
            fields["date"] = fields["date"].isoformat()
        return self.score if len(fields) == 1 else fields


def credited(figures: Mapping[str, Figure], sources: Mapping[str, Source]) -> dict[str, Figure]:
    """The figures with what their sources say of them; each keeps what it says itself."""
    return {
        name: figure
        if (source := sources.get(figure.by or "")) is None
        else figure.model_copy(
            update={
                "by": None,
                **{field: value for field, value in source if value is not None and getattr(figure, field) is None},
            }
        )
        for name, figure in figures.items()
    }


class Latency(BaseModel):
    """How fast a model answers: seconds to its first token, then tokens a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_token_s: Positive | None = None
    tokens_per_s: Positive | None = None
    source: Text | None = None

    def seconds(self, output_tokens: float) -> float | None:
        """Seconds to the last of this many tokens; None where the speed is not known."""
        if self.tokens_per_s is None:
            return None
        return (self.first_token_s or 0.0) + output_tokens / self.tokens_per_s


class EffortLevel(BaseModel):
    """One level of effort."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: Mapping[str, Any] = {}
    requests: Mapping[Dialect, Mapping[str, Any]] = {}
    benchmarks: Mapping[Name, Figure] = {}
    output_tokens: Mapping[Work, MeanTokens] = {}
    output_tokens_source: Annotated[str | None, Field(min_length=1, max_length=1000)] = None
    latency: Latency | None = None

    @field_validator("request")
    @classmethod
    def _only_sets_the_effort(cls, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if found := tuple(request_faults(request)):
            raise Misfits(*found)
        return request

    @field_validator("requests")
    @classmethod
    def _only_set_the_effort(cls, requests: Mapping[Dialect, Mapping[str, Any]]) -> Mapping[Dialect, Mapping[str, Any]]:
        found = [
            Misfit(one.message, one.remedy, None, f"{dialect}.{one.below}" if one.below else dialect)
            for dialect, request in requests.items()
            for one in request_faults(request)
        ]
        if found:
            raise Misfits(*found)
        return requests

    @field_validator("benchmarks")
    @classmethod
    def _of_this_level(cls, benchmarks: Mapping[str, Figure]) -> Mapping[str, Figure]:
        found = [
            Misfit("stands under a level already", "Remove it.", None, f"{name}.effort", figure.effort)
            for name, figure in benchmarks.items()
            if figure.effort is not None
        ]
        if found:
            raise Misfits(*found)
        return benchmarks
