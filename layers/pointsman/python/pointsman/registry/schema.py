"""What a registry holds: models with their prices and scores, and configs that choose among them.

One YAML file a model under `models/`, one a router config under `routers/`. Unknown fields and values out of range
are refused.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pointsman.errors import Fault, RegistryError, UnknownConfig, UnknownModel, shortened
from pointsman.faults import faults_of

MAX_SETS = 10_000
FORMAT = "pointsman-registry"
FORMAT_VERSION = 1
CAPABILITY_BENCHMARKS = ("gpqa_diamond", "livecodebench")

Modality = Literal["text", "image", "audio", "video", "file"]
Feature = Literal["tools", "json", "reasoning"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Price = Annotated[float, Field(strict=True, ge=0, le=1000, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=200)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class PriceWindow(BaseModel):
    """Prices that hold at certain hours (UTC). A window whose end is not after its start runs past midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    utc_start: Clock
    utc_end: Clock
    utc_days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    input_cost_per_1k: Price
    output_cost_per_1k: Price

    @cached_property
    def span(self) -> tuple[time, time]:
        return time.fromisoformat(self.utc_start), time.fromisoformat(self.utc_end)


class Model(BaseModel):
    """A model as its file describes it. Prices are USD per 1,000 tokens, benchmarks percent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_id: Slug
    provider: Name
    aliases: tuple[Name, ...] = ()
    release_date: date | None = None
    input_modalities: Annotated[tuple[Modality, ...], Field(min_length=1)] = ("text",)
    context_length: Tokens
    max_output_tokens: Tokens | None = None
    input_cost_per_1k: Price
    output_cost_per_1k: Price
    cached_input_cost_per_1k: Price | None = None
    parameters_b: Positive | None = None
    active_parameters_b: Positive | None = None
    latency_s: Positive | None = None
    utc_price_overrides: tuple[PriceWindow, ...] = ()
    expected_output_tokens: Tokens | None = None
    # Where that number came from: a published figure, a measurement, a dataset.
    expected_output_tokens_source: Name | None = None
    # Tokens this model counts for one token of the embedder, where someone measured it.
    input_token_factor: Annotated[float, Field(strict=True, gt=0, le=10, allow_inf_nan=False)] = 1.0
    supports: tuple[Feature, ...] = ()
    benchmarks: Mapping[str, Percent] = {}
    source_urls: Annotated[tuple[Name, ...], Field(min_length=1)]
    source_quality: Literal["official", "model_card", "third_party", "dataset_aggregate", "self_eval", "missing"]
    as_of: date

    @field_validator("source_urls")
    @classmethod
    def _are_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("https://", "http://")):
                raise ValueError(f"{url!r} is not a web address; write it with https://")
        return urls

    @model_validator(mode="after")
    def _active_within_all(self) -> Self:
        if self.parameters_b and self.active_parameters_b and self.active_parameters_b > self.parameters_b:
            raise ValueError("active_parameters_b is larger than parameters_b; correct one of them")
        return self

    @cached_property
    def capability(self) -> float | None:
        """Mean of the published GPQA Diamond and LiveCodeBench as fractions; None without either."""
        known = [score for score in (self.gpqa_diamond, self.livecodebench) if score is not None]
        return sum(known) / len(known) if known else None

    @property
    def gpqa_diamond(self) -> float | None:
        """The published score as a fraction."""
        return self._fraction("gpqa_diamond")

    @property
    def livecodebench(self) -> float | None:
        """The published score as a fraction."""
        return self._fraction("livecodebench")

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that outcomes of this model may be kept under."""
        return (self.model_id, *self.aliases)

    def _fraction(self, benchmark: str) -> float | None:
        score = self.benchmarks.get(benchmark)
        return None if score is None else score / 100


class RouterConfig(BaseModel):
    """A router config: the candidates and the bar they must clear."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    description: Name
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    completion_threshold: Fraction = 0.7
    fallback_quality_margin: Fraction = 0.05
    max_k: Annotated[int, Field(strict=True, ge=1, le=3)] = 1
    # How many standard deviations below P(complete) a candidate must still clear the bar: 0 asks for the mean.
    caution: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)] = 0.0
    lambda_cost: Weight = 0.0
    lambda_latency: Weight = 0.0

    @model_validator(mode="after")
    def _few_enough_sets(self) -> Self:
        sets = sum(math.comb(len(self.models), k) for k in range(1, self.max_k + 1))
        if sets > MAX_SETS:
            raise ValueError(
                f"{len(self.models)} models with max_k {self.max_k} make {sets:,} candidate sets, "
                f"more than {MAX_SETS:,}; name fewer models or lower max_k"
            )
        return self


@dataclass(frozen=True)
class Registry:
    """Models by id and configs by name; every model a config names is a model id that exists."""

    models: Mapping[str, Model]
    configs: Mapping[str, RouterConfig]
    digest: str

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        ids = {alias: model.model_id for model in self.models.values() for alias in model.aliases}
        return {**ids, **{model_id: model_id for model_id in self.models}}

    def model(self, name: str) -> Model:
        """The model with this id or alias.

        Raises:
            UnknownModel: there is none.
        """
        if name not in self._ids:
            remedy = nearest_name(name, self._ids) or "`pointsman models` lists the known ones."
            raise UnknownModel(
                f"There is no model {shortened(name)!r}. {remedy}",
                [Fault("model_id", "unknown model", remedy, shortened(name))],
            )
        return self.models[self._ids[name]]

    def config(self, name: str) -> RouterConfig:
        """The config with this name.

        Raises:
            UnknownConfig: there is none.
        """
        if name not in self.configs:
            remedy = f"Use one of: {', '.join(sorted(self.configs))}."
            raise UnknownConfig(
                f"There is no config {shortened(name)!r}. {remedy}",
                [Fault("config", "unknown config", remedy, shortened(name))],
            )
        return self.configs[name]

    def with_model(self, model: Model, configs: Sequence[str] = ()) -> "Registry":
        """A registry with one model more (or replaced), added to the candidates of `configs`.

        Raises:
            UnknownConfig: a config does not exist.
            RegistryError: an alias belongs to another model already, or a config grows too large.
        """
        for alias in (model.model_id, *model.aliases):
            if self._ids.get(alias, model.model_id) != model.model_id:
                raise RegistryError(f"{alias!r} already names {self._ids[alias]}. Choose another alias.")
        changed = dict(self.configs)
        for name in configs:
            config = self.config(name)
            members = tuple(dict.fromkeys((*config.models, model.model_id)))
            try:
                changed[name] = RouterConfig.model_validate({**config.model_dump(), "models": members})
            except ValidationError as error:
                faults = faults_of(error)
                raise RegistryError(f"config {name!r}: {faults[0].message}. {faults[0].remedy}", faults) from None
        return replace(self, models={**self.models, model.model_id: model}, configs=changed)


def nearest_name(name: str, known: Mapping[str, str]) -> str | None:
    """A remedy that names the known name nearest to this one; None where none is near."""
    close = get_close_matches(name[:200], known, n=1, cutoff=0.75)
    return f"Did you mean {close[0]!r}?" if close else None
