"""A candidate: a model at an effort, with what is known of it there; what a predictor scores and a policy chooses."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pointsman.registry.capability import capability_of
from pointsman.registry.fields import Dialect
from pointsman.registry.model import Model
from pointsman.registry.requests import request_in

SEPARATOR = "@"


@dataclass(frozen=True)
class ModelAtEffort:
    """A model at one of its levels; `effort` is None for a model that has none."""

    model: Model
    effort: str | None = None

    @property
    def model_id(self) -> str:
        """The model's id."""
        return self.model.model_id

    @cached_property
    def candidate_id(self) -> str:
        """`model_id@effort`, or the model's id where it has no efforts."""
        return self.model_id if self.effort is None else f"{self.model_id}{SEPARATOR}{self.effort}"

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self.model.provider

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that outcomes of the model may be kept under, whatever the effort."""
        return self.model.names

    @property
    def is_default(self) -> bool:
        """Whether this is the effort that stands for the model where none is named."""
        return self.effort == self.model.default_level

    @property
    def benchmarks(self) -> Mapping[str, float]:
        """Its published scores at this effort, as fractions; one of unknown effort counts for the highest level."""
        return self.model.scores_by_level[self.effort]

    @property
    def figures(self) -> tuple[tuple[str, str | None, float], ...]:
        """Every published score of the model at any effort, as fractions."""
        return self.model.figures

    @property
    def gpqa_diamond(self) -> float | None:
        """The score as a fraction, at this effort or the nearest to it (`Model.base_scores`)."""
        return self.model.base_scores(self.effort).get("gpqa_diamond")

    @property
    def livecodebench(self) -> float | None:
        """The score as a fraction, at this effort or the nearest to it (`Model.base_scores`)."""
        return self.model.base_scores(self.effort).get("livecodebench")

    @cached_property
    def capability(self) -> float | None:
        """Mean of the two as fractions; None without either."""
        return capability_of(self.gpqa_diamond, self.livecodebench)

    @cached_property
    def output_tokens(self) -> Mapping[str, float]:
        """Output tokens it was measured to write at this effort, by kind of work; empty where nobody measured."""
        level = self.model if self.effort is None else self.model.efforts[self.effort]
        return {str(work): tokens for work, tokens in level.output_tokens.items()}

    @property
    def request(self) -> Mapping[str, Any]:
        """The fields that ask for this effort in OpenAI Chat Completions; empty where there is nothing to ask."""
        return {} if self.effort is None else self.model.efforts[self.effort].request

    def request_for(self, dialect: Dialect) -> dict[str, Any]:
        """The fields that ask for this effort in a dialect."""
        if self.effort is None:
            return {}
        level = self.model.efforts[self.effort]
        return request_in(dialect, level.request, level.requests)

    def latency(self, output_tokens: float) -> float | None:
        """Seconds to the last of this many tokens; None where its speed is not known."""
        own = None if self.effort is None else self.model.efforts[self.effort].latency
        speed = own or self.model.latency
        seconds = None if speed is None else speed.seconds(output_tokens)
        return self.model.latency_s if seconds is None else seconds
