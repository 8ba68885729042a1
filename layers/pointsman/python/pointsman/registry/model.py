"""A model as its file describes it.

Prices are USD per 1,000 tokens once read, benchmarks percent. What is not known is None or missing, never "no".
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, ValidationInfo, field_validator, model_validator

from pointsman.faults import Misfit, Misfits, nearest_name
from pointsman.registry.capability import CAPABILITY_BENCHMARKS, capability_of
from pointsman.registry.efforts import EffortLevel, Figure, Latency, Source, credited
from pointsman.registry.fields import (
    Day,
    Feature,
    Gateway,
    Level,
    MeanTokens,
    Modality,
    Name,
    Positive,
    Slug,
    Tokens,
    Work,
    is_url,
)
from pointsman.registry.prices import (
    UNITS,
    DatedPrices,
    LongContext,
    PriceFields,
    PriceList,
    PriceWindow,
    check_dates,
    check_tiers,
    price_list,
    raise_for_missing,
)

# What `default_effort` says where nobody has published what the API does unasked.
UNKNOWN = "unknown"


def _features(value: object) -> object:
    """`supports` as a mapping: a list names what is there; `unknown` says no more than leaving it out."""
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return dict.fromkeys(value, True)
    if isinstance(value, Mapping):
        return {name: known for name, known in value.items() if known != UNKNOWN}
    return value


class Model(PriceFields):
    """A model, at all of its efforts."""

    model_id: Slug
    provider: Name
    aliases: tuple[Name, ...] = ()
    gateway_names: Mapping[Gateway, Name] = {}
    # The model that really answers, once a provider serves another under this name.
    replaced_by: Slug | None = None
    release_date: Day | None = None
    input_modalities: Annotated[tuple[Modality, ...], Field(min_length=1)] = ("text",)
    context_length: Tokens
    max_output_tokens: Tokens | None = None
    price: Annotated[Literal["unknown"] | None, Field(validate_default=True)] = None
    long_context: tuple[LongContext, ...] = ()
    utc_price_overrides: tuple[PriceWindow, ...] = ()
    prices: tuple[DatedPrices, ...] = ()
    parameters_b: Positive | None = None
    active_parameters_b: Positive | None = None
    latency_s: Positive | None = None
    latency: Latency | None = None
    expected_output_tokens: Tokens | None = None
    # Where that number came from: a published figure, a measurement, a dataset.
    expected_output_tokens_source: Name | None = None
    # Tokens this model counts for one token of the embedder, where someone measured it.
    input_token_factor: Annotated[float, Field(strict=True, gt=0, le=10, allow_inf_nan=False)] = 1.0
    supports: Annotated[Mapping[Feature, StrictBool], BeforeValidator(_features)] = {}
    benchmarks: Mapping[Name, Figure] = {}
    output_tokens: Mapping[Work, MeanTokens] = {}
    output_tokens_source: Annotated[str | None, Field(min_length=1, max_length=1000)] = None
    efforts: Mapping[Level, EffortLevel] = {}
    # What figures name with `by`; once read, every figure says it itself.
    sources: Annotated[Mapping[Name, Source], Field(validate_default=True)] = {}
    default_effort: Annotated[Level | None, Field(validate_default=True)] = None
    source_urls: Annotated[tuple[Name, ...], Field(min_length=1)]
    source_quality: Literal["official", "model_card", "third_party", "dataset_aggregate", "self_eval", "missing"]
    as_of: Day

    @classmethod
    def _complete(cls, given: Mapping[str, Any]) -> None:
        """Whether prices may be missing is for `price` to say."""

    @field_validator("price")
    @classmethod
    def _priced_or_not(cls, price: str | None, info: ValidationInfo) -> str | None:
        if price is None:
            remedy = "Add it (per_1k or per_1m), or say `price: unknown`."
            raise_for_missing(info.data, remedy)
            return price
        given = [name for name, value in info.data.items() if name.endswith(UNITS) and value is not None]
        if given:
            remedy = "Remove `price: unknown`, or the prices."
            raise Misfits(*(Misfit("a price, beside `price: unknown`", remedy, name) for name in given))
        return price

    @field_validator("long_context")
    @classmethod
    def _tiers_fit(cls, tiers: tuple[LongContext, ...], info: ValidationInfo) -> tuple[LongContext, ...]:
        check_tiers(tiers, info.data, info.data.get("context_length"))
        return tiers

    @field_validator("prices")
    @classmethod
    def _dated_fit(cls, dated: tuple[DatedPrices, ...], info: ValidationInfo) -> tuple[DatedPrices, ...]:
        check_dates(dated)
        for i, one in enumerate(dated):
            try:
                check_tiers(one.long_context, {}, info.data.get("context_length"))
            except Misfits as faults:
                inner = (
                    Misfit(f.message, f.remedy, None, f"{i}.long_context.{f.below}", f.value) for f in faults.found
                )
                raise Misfits(*inner) from None
        return dated

    @field_validator("default_effort")
    @classmethod
    def _a_level(cls, default: str | None, info: ValidationInfo) -> str | None:
        efforts = info.data.get("efforts")
        if efforts is None:
            return default
        if efforts and default is None:
            remedy = f"Add the level that the API takes unasked ({', '.join(efforts)}), or `unknown`."
            raise Misfits(Misfit("efforts without a default", remedy))
        if default not in (None, UNKNOWN, *efforts):
            remedy = f"Use one of: {', '.join((*efforts, UNKNOWN))}." if efforts else "Remove it, or add `efforts`."
            raise Misfits(Misfit("the model has no such effort", remedy))
        strangers = [
            Misfit(
                f"the model has no effort {figure.effort!r}",
                nearest_name(figure.effort, list(efforts)) or f"Use one of: {', '.join(efforts)}.",
                "benchmarks",
                f"{name}.effort",
                figure.effort,
            )
            for name, figure in (info.data.get("benchmarks") or {}).items()
            if efforts and figure.effort is not None and figure.effort not in efforts
        ]
        twice = [
            Misfit("given under the level too", "Remove one of the two.", "benchmarks", name, figure.score)
            for name, figure in (info.data.get("benchmarks") or {}).items()
            if figure.effort in efforts and name in efforts[figure.effort].benchmarks
        ]
        if strangers or twice:
            raise Misfits(*strangers, *twice)
        return default

    @field_validator("sources")
    @classmethod
    def _named_by_figures(cls, sources: Mapping[str, Source], info: ValidationInfo) -> Mapping[str, Source]:
        places = {f"benchmarks.{name}": figure for name, figure in (info.data.get("benchmarks") or {}).items()}
        for level, effort in (info.data.get("efforts") or {}).items():
            places |= {f"efforts.{level}.benchmarks.{name}": figure for name, figure in effort.benchmarks.items()}
        unknown = [
            Misfit(
                "no such source",
                nearest_name(figure.by, sources) or "Add it to `sources`, or write measured_by, date and source.",
                f"{place}.by",
                None,
                figure.by,
            )
            for place, figure in places.items()
            if figure.by is not None and figure.by not in sources
        ]
        if unknown:
            raise Misfits(*unknown)
        return sources

    @model_validator(mode="after")
    def _credit(self) -> Self:
        if self.sources:
            efforts = {
                level: effort.model_copy(update={"benchmarks": credited(effort.benchmarks, self.sources)})
                for level, effort in self.efforts.items()
            }
            self.__dict__.update(benchmarks=credited(self.benchmarks, self.sources), efforts=efforts, sources={})
        return self

    @field_validator("source_urls")
    @classmethod
    def _are_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        found = [
            Misfit("not a web address", "Write it with https://.", None, str(i), url)
            for i, url in enumerate(urls)
            if not is_url(url)
        ]
        if found:
            raise Misfits(*found)
        return urls

    @model_validator(mode="after")
    def _active_within_all(self) -> Self:
        if self.parameters_b and self.active_parameters_b and self.active_parameters_b > self.parameters_b:
            raise ValueError("active_parameters_b is larger than parameters_b; correct one of them")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that outcomes of this model may be kept under."""
        return tuple(dict.fromkeys((self.model_id, *self.aliases, *self.gateway_names.values())))

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """Its efforts from least to most; empty where it has one way to answer."""
        return tuple(self.efforts)

    @cached_property
    def default_level(self) -> str | None:
        """The effort that stands for the model where none is named: what the API does unasked.

        Where that is not known it is medium, else the middle level: it is asked for, so nothing is left to the API.
        """
        if not self.efforts:
            return None
        if self.default_effort in self.efforts:
            return self.default_effort
        return "medium" if "medium" in self.efforts else self.levels[(len(self.levels) - 1) // 2]

    @property
    def effort(self) -> str | None:
        """The effort that its scores here are of."""
        return self.default_level

    @cached_property
    def figures(self) -> tuple[tuple[str, str | None, float], ...]:
        """Every published score: benchmark, effort (None: not known) and fraction."""
        plain = ((name, figure.effort, figure.score / 100) for name, figure in self.benchmarks.items())
        of_levels = (
            (name, level, figure.score / 100)
            for level, effort in self.efforts.items()
            for name, figure in effort.benchmarks.items()
        )
        return (*plain, *of_levels)

    @cached_property
    def scores_by_level(self) -> Mapping[str | None, Mapping[str, float]]:
        """Fractions by level and benchmark; by None for a model without levels.

        A score whose effort is not known counts as the highest level's, unless that was measured: what is published
        is mostly of the best setting.
        """
        scores: dict[str | None, dict[str, float]] = {level: {} for level in self.levels or (None,)}
        top = self.levels[-1] if self.levels else None
        for name, effort, score in self.figures:
            if effort in scores and effort is not None:
                scores[effort][name] = score
        for name, effort, score in self.figures:
            if effort is None or effort not in scores:
                scores[top].setdefault(name, score)
        return scores

    def score(self, benchmark: str, level: str | None) -> float | None:
        """A published score as a fraction at a level, else at the nearest level that has one; a tie: the lower."""
        known = [one for one in self.scores_by_level if benchmark in self.scores_by_level[one]]
        return self.scores_by_level[self._nearest(known, level)][benchmark] if known else None

    def base_scores(self, level: str | None) -> Mapping[str, float]:
        """GPQA Diamond and LiveCodeBench as fractions, as far as they say something of one level.

        What was measured at that level, be it one of the two; where neither was, what was at the nearest level where
        one was; where none was at any, those whose effort is not known.
        """
        stated: dict[str | None, dict[str, float]] = {}
        unknown: dict[str, float] = {}
        for name, effort, score in self.figures:
            if name in CAPABILITY_BENCHMARKS:
                named = effort is not None and effort in self.efforts
                (stated.setdefault(effort, {}) if named else unknown)[name] = score
        return stated[self._nearest(list(stated), level)] if stated else unknown

    def _nearest(self, known: Sequence[str | None], level: str | None) -> str | None:
        """The one of some levels that is nearest to a level; of two, the lower."""
        if level is None:
            return known[0]
        places = {one: i for i, one in enumerate(self.levels)}
        return min(known, key=lambda one: (abs(places[str(one)] - places[level]), places[str(one)]))

    @property
    def gpqa_diamond(self) -> float | None:
        """The published score as a fraction, at the default effort or the nearest to it (`base_scores`)."""
        return self.base_scores(self.default_level).get("gpqa_diamond")

    @property
    def livecodebench(self) -> float | None:
        """The published score as a fraction, at the default effort or the nearest to it (`base_scores`)."""
        return self.base_scores(self.default_level).get("livecodebench")

    @cached_property
    def capability(self) -> float | None:
        """Mean of the published GPQA Diamond and LiveCodeBench as fractions; None without either."""
        return capability_of(self.gpqa_diamond, self.livecodebench)

    @cached_property
    def scores(self) -> Mapping[str, float]:
        """Every benchmark's score in percent at the default effort, or the nearest to it."""
        names = dict.fromkeys(name for name, _, _ in self.figures)
        known = ((name, self.score(name, self.default_level)) for name in names)
        return {name: round(100 * score, 6) for name, score in known if score is not None}

    @property
    def price_known(self) -> bool:
        """Whether it has prices at all."""
        return self.price is None

    @property
    def price_changes(self) -> bool:
        """Whether its prices depend on the day or the hour."""
        return bool(self.utc_price_overrides or self.prices)

    def prices_at(self, instant: datetime) -> PriceList | None:
        """What its tokens cost at an instant (UTC); None where its price is not known."""
        day: date = instant.date()
        dated = [one for one in self.prices if one.since <= day]
        if dated:
            return dated[-1].at(instant)
        rates = self.rates
        return None if rates is None else price_list(rates, self.long_context, self.utc_price_overrides, instant)

    def feature(self, name: str) -> bool | None:
        """Whether it supports a feature; None where that is not known."""
        return {str(feature): known for feature, known in self.supports.items()}.get(name)

    def lacks(self, features: Sequence[str], strict: bool = False) -> list[str]:
        """Those of the features that it is known not to support; `strict`: those it is not known to support."""
        return [name for name in features if self.feature(name) is False or (strict and self.feature(name) is None)]
