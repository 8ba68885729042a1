"""A router config: the candidates, the bar they must clear or what an answer is worth, and how a choice is given."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from pointsman.faults import Misfit, Misfits
from pointsman.registry.fields import LEVEL, Fraction, Gateway, Level, Name, Positive, Weight

MAX_SETS = 10_000


class Bounds(BaseModel):
    """What a request may ask of a config at most; a request beyond them is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_threshold: Fraction = 0.0
    max_worth_usd: Positive | None = None
    # These two hold for every request, whether it asks for less or for nothing.
    max_cost_usd: Positive | None = None
    max_latency_s: Positive | None = None
    # Whether a request may name models of the registry that are not the config's.
    own_models_only: Annotated[bool, Field(strict=True)] = False


class RouterConfig(BaseModel):
    """A router config. `models` are ids or aliases, each alone or with one effort (`id@effort`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    description: Name
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    # Of the models that are named without an effort: their default level, all of them, or these.
    efforts: Literal["all", "default"] | Annotated[tuple[Level, ...], Field(min_length=1)] = "default"
    policy: Literal["threshold", "value"] = "threshold"
    completion_threshold: Fraction = 0.7
    fallback_quality_margin: Fraction = 0.05
    # A second bar: no further below the best candidate than this.
    within: Fraction | None = None
    max_k: Annotated[int, Field(strict=True, ge=1, le=3)] = 1
    # How many standard deviations below P(complete) a candidate must still clear the bar: 0 asks for the mean.
    caution: Annotated[float, Field(strict=True, ge=0, le=3, allow_inf_nan=False)] = 0.0
    lambda_cost: Weight = 0.0
    lambda_latency: Weight = 0.0
    # USD that a completed answer is worth, and that a second of waiting costs.
    worth_usd: Annotated[Positive | None, Field(validate_default=True)] = None
    worth_of_a_second: Weight = 0.0
    bounds: Bounds = Bounds()
    # Whether a feature that a model is not known to have counts as lacking.
    strict_supports: Annotated[bool, Field(strict=True)] = False
    sticky: Literal["always", "economic", "never"] = "economic"
    hysteresis_usd: Weight = 0.0
    # Decide and record, but answer with the caller's own model.
    observe: Annotated[bool, Field(strict=True)] = False
    # What a gateway calls a candidate, by candidate or model.
    targets: Mapping[Name, Name] = {}
    # The gateway whose names an answer uses; None: the registry's ids.
    names: Gateway | None = None
    # What answers a body whose text was withheld.
    default_model: Name | None = None

    @field_validator("efforts", mode="before")
    @classmethod
    def _all_default_or_a_list(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            if not value:
                raise Misfits(Misfit("an empty list", "Give at least 1 level, or write all or default."))
            found = [
                Misfit("not the name of a level", "Write one such as low, medium or high.", None, str(i), level)
                for i, level in enumerate(value)
                if not (isinstance(level, str) and LEVEL.fullmatch(level))
            ]
            if found:
                raise Misfits(*found)
            return value
        if value in ("all", "default"):
            return value
        remedy = (
            f"Write [{value}], all or default." if isinstance(value, str) else "Write a list of levels, all or default."
        )
        raise Misfits(Misfit("neither a list of levels nor all or default", remedy))

    @field_validator("completion_threshold", "fallback_quality_margin", "within", mode="before")
    @classmethod
    def _not_percent(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool) and 2 <= value <= 100:
            raise Misfits(
                Misfit("a share of 1 is expected, not percent", f"Use a number of at most 1: {value / 100:g}.")
            )
        return value

    @field_validator("worth_usd")
    @classmethod
    def _worth_for_value(cls, worth: float | None, info: ValidationInfo) -> float | None:
        if worth is None and info.data.get("policy") == "value":
            raise Misfits(Misfit("the value policy needs it", "Say what a completed answer is worth in USD."))
        return worth

    @field_validator("max_k")
    @classmethod
    def _few_enough_sets(cls, max_k: int, info: ValidationInfo) -> int:
        check_sets(len(info.data.get("models", ())), max_k)
        return max_k


def check_sets(candidates: int, max_k: int) -> None:
    """Refuse a config whose candidate sets are too many to look at.

    Raises:
        Misfits: there are more than 10,000.
    """
    sets = sum(math.comb(candidates, k) for k in range(1, max_k + 1))
    if sets > MAX_SETS:
        message = f"{candidates} candidates with max_k {max_k} make {sets:,} candidate sets, more than {MAX_SETS:,}"
        raise Misfits(Misfit(message, "Name fewer models or efforts, or lower max_k."))
