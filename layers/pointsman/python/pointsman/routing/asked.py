"""What a request asks beside its prompt, checked against what there is and against the bounds of the config.

A field that is not given leaves the config's own. What is refused is refused by name: the field, the value, the remedy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isfinite
from typing import Any, get_args

from pointsman.errors import Fault, RequestError, UnknownEffort, UnknownModel, shortened
from pointsman.faults import Misfits
from pointsman.registry import ModelAtEffort, Registry, RouterConfig
from pointsman.registry.config import MAX_SETS, check_sets
from pointsman.registry.fields import Feature, Modality

MOST_TOKENS = 1_000_000_000
MOST_IMAGES = 10_000
MOST_NAMES = 1_000
STICKY = ("always", "economic", "never")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request but for its prompt. Money is USD, latency seconds, threshold and `within` shares of 1."""

    task: str | None = None
    preferred_input_modalities: Sequence[str] = ()
    supports: Sequence[str] = ()
    strict_supports: bool | None = None
    max_output_tokens: int | None = None
    cached_input_tokens: int = 0
    images: int = 0
    threshold: float | None = None
    worth_usd: float | None = None
    within: float | None = None
    models: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    efforts: Sequence[str] | None = None
    max_cost_usd: float | None = None
    max_latency_s: float | None = None
    sticky: str | None = None
    observe: bool | None = None
    own_model: str | None = None

    def given(self) -> dict[str, Any]:
        """What was asked for, without what was left to the config."""
        values = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return {name: value for name, value, default in values if value not in (default, []) and name != "task"}

    def check(self) -> None:
        """Refuse values that make no sense, whatever the config.

        Raises:
            RequestError: with every fault.
        """
        faults = [
            *_shares(threshold=self.threshold, within=self.within),
            *_above_zero(worth_usd=self.worth_usd, max_cost_usd=self.max_cost_usd, max_latency_s=self.max_latency_s),
            *_counts(self),
            *_lists(self),
        ]
        if self.sticky is not None and self.sticky not in STICKY:
            faults.append(_unknown("sticky", "unknown", self.sticky, STICKY))
        _refuse(faults)


@dataclass(frozen=True, slots=True)
class Bars:
    """The policy of one request: the config's, as far as the request did not change it."""

    policy: str
    completion_threshold: float
    within: float | None
    worth_usd: float | None
    worth_of_a_second: float
    max_cost_usd: float | None
    max_latency_s: float | None


NOTHING = Asked()


def bars_of(asked: Asked, config: RouterConfig) -> Bars:
    """The bars of a request under a config.

    A worth asks for the value policy, a threshold alone for the threshold policy; both, for what is worth most of what
    clears the threshold.

    Raises:
        RequestError: the request asks for more than the config allows.
    """
    if asked is not NOTHING:
        _refuse(_beyond(asked, config))
    by_value = asked.worth_usd is not None or (config.policy == "value" and asked.threshold is None)
    worth = (asked.worth_usd or config.worth_usd) if by_value else None
    threshold = None if asked.threshold is None else asked.threshold + 0.0  # -0.0 is 0
    if threshold is None:
        threshold = 0.0 if by_value else config.completion_threshold
    bounds = config.bounds
    return Bars(
        policy="value" if by_value else "threshold",
        completion_threshold=threshold,
        within=config.within if asked.within is None else asked.within,
        worth_usd=worth,
        worth_of_a_second=config.worth_of_a_second if by_value else 0.0,
        max_cost_usd=_least(asked.max_cost_usd, bounds.max_cost_usd),
        max_latency_s=_least(asked.max_latency_s, bounds.max_latency_s),
    )


def candidates_of(asked: Asked, config: RouterConfig, registry: Registry) -> tuple[ModelAtEffort, ...]:
    """The candidates of a request: the config's, or those of the models and efforts that it names.

    Raises:
        UnknownModel, UnknownEffort: a name stands for nothing, or no model has an effort that is asked for.
        RequestError: there are too many sets.
    """
    if asked.models is None and asked.efforts is None:
        return registry.candidates(config)
    names: Iterable[str] = config.models
    efforts: str | Sequence[str] = config.efforts
    if asked.models is not None:
        names = [_named(registry, f"models.{i}", name) for i, name in enumerate(asked.models)]
    if asked.efforts is not None:
        known = {level for model in registry.models.values() for level in model.levels}
        unknown = [
            _unknown(f"efforts.{i}", "no model has this effort", level, sorted(known))
            for i, level in enumerate(asked.efforts)
            if level not in known
        ]
        _refuse(unknown, UnknownEffort)
        efforts = asked.efforts
    found = registry.expand(names, efforts)
    if asked.efforts is not None:
        found = tuple(one for one in found if one.effort is None or one.effort in asked.efforts)
    if not found:
        message = "none of the models has one of these efforts"
        remedy = "Ask for other efforts, or leave the field out."
        _refuse([Fault("efforts", message, remedy, ", ".join(asked.efforts or ()))], UnknownEffort)
    try:
        check_sets(len(found), config.max_k)
    except Misfits:
        message = f"{len(found)} candidates in sets of up to {config.max_k} are more than {MAX_SETS:,} sets"
        _refuse([Fault("models", message, "Name fewer models or efforts, or use a config with max_k 1.")])
    return found


def barred_by(asked: Asked, registry: Registry) -> frozenset[str]:
    """The ids of models and candidates that a request excludes.

    Raises:
        UnknownModel: a name stands for nothing: leaving it in would let through what was to be kept out.
    """
    return frozenset(_named(registry, f"exclude.{i}", name) for i, name in enumerate(asked.exclude))


def _named(registry: Registry, field: str, name: str) -> str:
    """The id of a name, `model` or `model@effort`; an unknown one is a fault of the field."""
    try:
        return registry.id_of(name)
    except UnknownModel as error:
        faults = [Fault(field, one.message, one.remedy, one.value) for one in error.faults]
        raise UnknownModel(f"{field}: {error.detail}", faults) from None


def _beyond(asked: Asked, config: RouterConfig) -> Iterable[Fault]:
    """Where a request asks for more than its config allows."""
    bounds, name = config.bounds, config.name

    def fault(field: str, value: object, allowed: str, remedy: str) -> Fault:
        return Fault(field, f"the config {name!r} allows {allowed}", remedy, str(value))

    if asked.threshold is not None and asked.threshold < bounds.min_threshold:
        lowest = f"{bounds.min_threshold:g}"
        yield fault("threshold", asked.threshold, f"no threshold below {lowest}", f"Ask for at least {lowest}.")
    for field in ("worth_usd", "max_cost_usd", "max_latency_s"):
        given, most = getattr(asked, field), getattr(bounds, field if field.startswith("max") else f"max_{field}")
        if given is not None and most is not None and given > most:
            yield fault(field, given, f"at most {most:g}", f"Ask for at most {most:g}, or leave it out.")
    if asked.within is not None and config.within is not None and asked.within > config.within:
        remedy = f"Ask for at most {config.within:g}, or leave it out."
        yield fault("within", asked.within, f"no more than {config.within:g} below the best", remedy)
    if asked.models is not None and bounds.own_models_only:
        own = {member.partition("@")[0] for member in config.models}
        for i, model in enumerate(asked.models):
            if model not in config.models and model.partition("@")[0] not in own:
                yield fault(f"models.{i}", shortened(model), "its own models only", "Name models of the config.")
    if asked.efforts is not None and not isinstance(config.efforts, str):
        for i, level in enumerate(asked.efforts):
            if level not in config.efforts:
                allowed = ", ".join(config.efforts)
                yield fault(f"efforts.{i}", shortened(level), f"the efforts {allowed}", f"Use one of: {allowed}.")
    if asked.strict_supports is False and config.strict_supports:
        yield fault("strict_supports", False, "only what is known to be supported", "Leave it out.")


def _shares(**given: float | None) -> Iterable[Fault]:
    for field, value in given.items():
        if value is None:
            continue
        if not _is_number(value):
            yield Fault(field, "not a number", "Give a share from 0 to 1, such as 0.7.", shortened(str(value)))
        elif not 0 <= value <= 1:
            share = f": {value / 100:g}" if 1 < value <= 100 else ""
            yield Fault(field, "not a share from 0 to 1", f"Use a number from 0 to 1{share}.", f"{value:g}")


def _above_zero(**given: float | None) -> Iterable[Fault]:
    for field, value in given.items():
        if value is not None and not (_is_number(value) and value > 0):
            yield Fault(field, "not a number above 0", "Give one above 0, or leave it out.", shortened(str(value)))


def _counts(asked: Asked) -> Iterable[Fault]:
    for field, low, high in (
        ("max_output_tokens", 1, MOST_TOKENS),
        ("cached_input_tokens", 0, MOST_TOKENS),
        ("images", 0, MOST_IMAGES),
    ):
        value = getattr(asked, field)
        if value is None and field == "max_output_tokens":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            message = f"not a whole number of at least {low} and at most {high:,}"
            yield Fault(field, message, f"Give at least {low}, or leave it out.", shortened(str(value)))


def _lists(asked: Asked) -> Iterable[Fault]:
    for field in ("models", "efforts"):
        if getattr(asked, field) is not None and not getattr(asked, field):
            yield Fault(field, "an empty list leaves no candidate", "Name at least one, or leave it out.", "[]")
    for field in ("models", "efforts", "exclude"):
        named = getattr(asked, field) or ()
        if isinstance(named, str) or not all(isinstance(name, str) for name in named):
            yield Fault(field, "not a list of names", 'Give a list, such as ["openai/gpt-5.5"].', shortened(str(named)))
        elif len(named) > MOST_NAMES:
            yield Fault(field, f"{len(named):,} names", f"Name at most {MOST_NAMES:,}.")
    for field, known in (("preferred_input_modalities", get_args(Modality)), ("supports", get_args(Feature))):
        for i, name in enumerate(getattr(asked, field)):
            if name not in known:
                yield _unknown(f"{field}.{i}", "unknown", name, known)


def _unknown(field: str, message: str, value: object, known: Sequence[str]) -> Fault:
    close = get_close_matches(str(value)[:100], known, n=1, cutoff=0.6)
    others = f"Use one of: {', '.join(known)}." if known else "Leave it out: there is none to name."
    remedy = f"Did you mean {close[0]!r}?" if close else others
    return Fault(field, message, remedy, shortened(str(value)))


def _refuse(faults: Iterable[Fault], kind: type[RequestError] = RequestError) -> None:
    found = list(faults)
    if found:
        first = found[0]
        value = "" if first.value is None else f" ({first.value})"
        raise kind(f"{first.field}: {first.message}{value}. {first.remedy}", found)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _least(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if known else None
