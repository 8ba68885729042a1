"""Bringing model files up to date with the price packages, in place and with their comments kept.

What two packages say, or one where the file says nothing, is taken. What one package says against the file, or what
the packages do not agree on, is told and left as it is: a figure is never replaced by a less trusted one in silence.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pointsman.errors import RegistryError
from pointsman.faults import first_fault
from pointsman.registry.fields import Feature
from pointsman.registry.model import Model
from pointsman.registry.packages import Listing, Packages
from pointsman.registry.prices import QUANTITIES

NEAR = 0.005


@dataclass(frozen=True)
class Change:
    """One field that a package says otherwise. `taken`: it is written; else it is told only, with the reason."""

    field: str
    old: Any
    new: Any
    packages: tuple[str, ...]
    taken: bool
    reason: str = ""

    def __str__(self) -> str:
        said = " and ".join(self.packages)
        field = f"{self.field}_cost_per_1m" if self.field in QUANTITIES else self.field
        if self.taken:
            return f"{field}: {_shown(self.old)} -> {_shown(self.new)} ({said})"
        return f"{field}: kept {_shown(self.old)}, where {said} says {_shown(self.new)} ({self.reason})"


def changes_of(model: Model, known: Packages, accept: bool = False) -> list[Change]:
    """What the packages say otherwise than a model file.

    Args:
        model: as its file has it.
        known: the packages at hand.
        accept: take also what would only be told, in the word of the most trusted package.
    """
    listings = known.listings(model.model_id, model.names)
    found = [*_prices(model, listings), *_sizes(model, listings), *_features(model, listings)]
    if any(change.taken and change.field in QUANTITIES and change.old is not None for change in found):
        found.extend(_trust(model))
    return [_accepted(change) for change in found] if accept else found


def _accepted(change: Change) -> Change:
    return Change(change.field, change.old, change.new, change.packages, True)


def _prices(model: Model, listings: Sequence[Listing]) -> Iterator[Change]:
    rates = model.rates
    for quantity in QUANTITIES:
        ours = None if rates is None else getattr(rates, quantity)
        theirs = [
            (listing.package, price)
            for listing in listings
            if (price := getattr(listing, quantity)) is not None and price > 0
        ]
        # A package may list the price of the dear hours, or of a day to come.
        others = [one.rates for one in (*model.utc_price_overrides, *model.prices)]
        accepted = [ours, *(getattr(one, quantity) for one in others if one is not None)]
        yield from _difference(
            quantity,
            None if ours is None else ours * 1000,
            theirs,
            [price * 1000 for price in accepted if price is not None],
        )
    if not model.long_context:
        tiered = [listing for listing in listings if listing.tiers and listing.tiers[-1].above < model.context_length]
        if tiered and rates is not None and tiered[0].tiers[0].input >= rates.input * 1000:
            yield Change("long_context", None, tiered[0].tiers, (tiered[0].package,), True)


def _difference(field: str, ours: Any, theirs: Sequence[tuple[str, Any]], same: Sequence[Any]) -> Iterator[Change]:
    """What packages say of one value, held against the file's own (None: it says nothing)."""
    if not theirs or any(_near(value, one) for _, value in theirs for one in same):
        return
    package, value = theirs[0]
    agreeing = tuple(name for name, other in theirs if _near(value, other))
    if len(agreeing) < len(theirs):
        others = ", ".join(f"{name} {_shown(other)}" for name, other in theirs[1:])
        yield Change(field, ours, value, (package,), False, f"the packages disagree: {others}")
    elif ours is None or len(agreeing) > 1:
        yield Change(field, ours, value, agreeing, True)
    else:
        yield Change(field, ours, value, agreeing, False, "one package against the file")


def _sizes(model: Model, listings: Sequence[Listing]) -> Iterator[Change]:
    # litellm's context leaves out the answer for some models: it can fill nothing and overrule nothing here.
    contexts = [
        (one.package, one.context_length) for one in listings if one.package != "litellm" and one.context_length
    ]
    if contexts and abs(contexts[0][1] - model.context_length) > 0.05 * model.context_length:
        yield from _difference("context_length", model.context_length, contexts, [model.context_length])
    limits = [(one.package, one.max_output_tokens) for one in listings if one.max_output_tokens]
    yield from _difference("max_output_tokens", model.max_output_tokens, limits, [model.max_output_tokens or -1])


def _features(model: Model, listings: Sequence[Listing]) -> Iterator[Change]:
    features: tuple[Feature, ...] = ("tools", "json", "reasoning")
    for feature in features:
        said = [(one.package, one.supports[feature]) for one in listings if feature in one.supports]
        ours = model.feature(feature)
        if said and said[0][1] != ours:
            yield from _difference(f"supports.{feature}", ours, said, [])


def _trust(model: Model) -> Iterator[Change]:
    """A price that packages changed is no longer what the provider's own page said."""
    if model.source_quality in ("official", "model_card"):
        yield Change("source_quality", model.source_quality, "third_party", ("the new price",), True)


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(abs(one - other) <= NEAR * max(abs(one), abs(other)))


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"above {tier.above:,}: {tier.input:g} and {tier.output:g}" for tier in value)
    return "nothing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def write_changes(path: Path, changes: Sequence[Change], today: date | None = None) -> None:
    """Write the changes that are taken into a model file, comments and order kept; the file is whole at any moment.

    Raises:
        RegistryError: ruamel.yaml is not installed, or the file would not be valid any more; it is left as it was.
    """
    yaml = _round_trip()
    text = path.read_text(encoding="utf-8")
    document = yaml.load(text)
    million = any(name.endswith("_per_1m") for name in document)
    for change in changes:
        if change.taken:
            _set(yaml, document, change, million)
    document["as_of"] = today or datetime.now(UTC).date()
    out = StringIO()
    yaml.dump(document, out)
    from pointsman.registry.yaml_files import read_yaml

    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(out.getvalue(), encoding="utf-8")
    try:
        Model.model_validate(read_yaml(scratch).data)
    except ValidationError as error:
        scratch.unlink()
        raise RegistryError(
            f"{path}: left as it is: with the packages' values it has a fault: {first_fault(error)}"
        ) from None
    scratch.replace(path)


def _set(yaml: Any, document: Any, change: Change, million: bool) -> None:
    if change.field in QUANTITIES:
        document.pop("price", None)
        unit, factor = ("1m", 1.0) if million else ("1k", 1000.0)
        _put(document, f"{change.field}_cost_per_{unit}", _number(yaml, change.new / factor))
    elif change.field == "long_context":
        unit, factor = ("1m", 1.0) if million else ("1k", 1000.0)
        document["long_context"] = [
            {
                "above": tier.above,
                f"input_cost_per_{unit}": _number(yaml, tier.input / factor),
                f"output_cost_per_{unit}": _number(yaml, tier.output / factor),
                **(
                    {}
                    if tier.cached_input is None
                    else {f"cached_input_cost_per_{unit}": _number(yaml, tier.cached_input / factor)}
                ),
            }
            for tier in change.new
        ]
    elif change.field.startswith("supports."):
        known = document.get("supports")
        if known is None or isinstance(known, list):
            document["supports"] = dict.fromkeys(known or (), True)
        document["supports"][change.field.removeprefix("supports.")] = change.new
    else:
        _put(document, change.field, change.new)


_AFTER = {
    "output_cost_per_1k": "input_cost_per_1k",
    "output_cost_per_1m": "input_cost_per_1m",
    "cached_input_cost_per_1k": "output_cost_per_1k",
    "cached_input_cost_per_1m": "output_cost_per_1m",
    "cache_write_cost_per_1k": "cached_input_cost_per_1k",
    "cache_write_cost_per_1m": "cached_input_cost_per_1m",
    "max_output_tokens": "context_length",
}


def _put(document: Any, name: str, value: Any) -> None:
    """Set a field; a new one goes behind its neighbour."""
    before = _AFTER.get(name)
    if name in document or before not in document:
        document[name] = value
    else:
        document.insert(list(document).index(before) + 1, name, value)
        # A comment on the lines below the neighbour belongs to what follows, and stays before that.
        comment = document.ca.items.get(before, [None] * 4)[2]
        if comment is not None and comment.value.startswith("\n"):
            document.ca.items[name] = document.ca.items.pop(before)


def _number(yaml: Any, value: float) -> Any:
    """A number that is written with its decimal places: YAML reads 1e-05 as text."""
    return yaml.load(f"{value:.9f}".rstrip("0").rstrip("."))


def _round_trip() -> Any:
    try:
        from ruamel.yaml import YAML
    except ImportError:
        message = "Writing YAML with its comments needs ruamel.yaml. Install it: pip install 'pointsman[registry]'."
        raise RegistryError(message) from None
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
