"""What the maintained price packages say of a model: genai-prices, and the price file of litellm.

Both are optional. genai-prices comes with the extra `pointsman[registry]`; the price file is a file that the caller
names, or the one inside an installed litellm, which is read and never imported. USD per million tokens throughout.
"""

import importlib.util
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from pointsman.errors import RegistryError
from pointsman.registry.model import Model

PRICE_FILE = "model_prices_and_context_window_backup.json"
# Our provider's name to the two packages' own.
_GENAI = {"mistralai": "mistral", "z-ai": "zai", "moonshotai": "moonshotai"}
_LITELLM = {
    "anthropic": "",
    "openai": "",
    "google": "gemini/",
    "x-ai": "xai/",
    "z-ai": "zai/",
    "mistralai": "mistral/",
    "moonshotai": "moonshot/",
    "qwen": "dashscope/",
    "xiaomi": "xiaomi_mimo/",
}
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_FLAGS = {"tools": "supports_function_calling", "json": "supports_response_schema", "reasoning": "supports_reasoning"}


@dataclass(frozen=True)
class Tier:
    """USD per million tokens of a whole request with more input tokens than `above`."""

    above: int
    input: float
    output: float
    cached_input: float | None = None


@dataclass(frozen=True)
class Listing:
    """What one package says of a model; None where it says nothing."""

    package: str
    name: str  # its name there
    input: float | None = None
    output: float | None = None
    cached_input: float | None = None
    cache_write: float | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    supports: Mapping[str, bool] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True)
class Packages:
    """The packages at hand; either may be missing."""

    genai: bool
    litellm: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The packages that are there."""
        return (*(("genai-prices",) if self.genai else ()), *(("litellm",) if self.litellm else ()))

    def listings(self, model_id: str, names: Sequence[str] = ()) -> list[Listing]:
        """What each package says of a model, by its id or another name of it; the most trusted package first."""
        found = []
        for name in dict.fromkeys((model_id, *names)):
            if self.genai and (listing := _genai_listing(name, model_id)) is not None:
                found.append(listing)
                break
        for name in dict.fromkeys((model_id, *names)):
            if self.litellm and (listing := _litellm_listing(self.litellm, name, model_id)) is not None:
                found.append(listing)
                break
        return found

    def missing(self, models: Iterable[Model]) -> list[str]:
        """Chat models with a price that the packages list for the providers of these models, and that none of them is.

        Snapshots, previews' dates and the like of a model that is there are that model.
        """
        models = list(models)
        ours = {_plain(name.split("/")[-1]) for model in models for name in model.names}
        found: set[str] = set()
        for provider in {model.provider for model in models}:
            prefix = _LITELLM.get(provider, f"{provider}/")
            for key, entry in self.litellm.items():
                own = key.startswith(prefix) if prefix else entry.get("litellm_provider") == provider
                if own and entry.get("mode") in ("chat", "responses") and entry.get("input_cost_per_token"):
                    found.add(f"{provider}/{key.removeprefix(prefix)}")
            found.update(
                f"{provider}/{name}" for name in (_genai_names(_GENAI.get(provider, provider)) if self.genai else ())
            )
        return sorted(name for name in found if not any(_same_model(one, name.split("/")[-1]) for one in ours))


def packages(price_file: Path | None = None) -> Packages:
    """The packages that are installed, with a price file of litellm's in place of the installed one where given.

    Raises:
        RegistryError: the price file cannot be read, or is not one.
    """
    path = price_file or _installed_price_file()
    return Packages(importlib.util.find_spec("genai_prices") is not None, _price_file(path) if path else {})


def _installed_price_file() -> Path | None:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(PRICE_FILE)
    return path if path.is_file() else None


def _price_file(path: Path) -> Mapping[str, Any]:
    remedy = "Give litellm's model_prices_and_context_window.json."
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}. {remedy}") from None
    except (ValueError, RecursionError):
        raise RegistryError(f"{path}: not JSON. {remedy}") from None
    if not isinstance(document, dict) or not any(
        isinstance(entry, dict) and "litellm_provider" in entry for entry in document.values()
    ):
        raise RegistryError(f"{path}: not a price file of litellm. {remedy}")
    return {key: entry for key, entry in document.items() if isinstance(entry, dict)}


def _genai_listing(name: str, model_id: str) -> Listing | None:
    provider, _, _ = model_id.partition("/")
    tail = name.split("/")[-1]
    for where, ref in ((_GENAI.get(provider, provider), tail), ("openrouter", name if "/" in name else model_id)):
        if (found := _genai_model(where, ref)) is not None:
            key, prices, context = found
            read, written, cached, write = (
                _base(getattr(prices, f"{name}_mtok", None))
                for name in ("input", "output", "cache_read", "cache_write")
            )
            if read is not None and _same_model(key, ref.split("/")[-1]):
                return Listing("genai-prices", key, read, written, cached, write, context, tiers=_genai_tiers(prices))
    return None


def _same_model(key: str, tail: str) -> bool:
    """Whether the package's own name is of this model: it matches by prefix, and may fall back to another version."""
    own, known = _plain(tail), _plain(key.split("/")[-1])
    return own.startswith(known) and _SAME.fullmatch(own[len(known) :]) is not None


# What may follow a name without naming another model: nothing, a snapshot's date, a minor version of 0.
_SAME = re.compile(r"(preview|latest)?(0|\d{4,8})?")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@lru_cache(maxsize=4096)
def _genai_model(provider: str, ref: str) -> tuple[str, Any, int | None] | None:
    """A model's name in genai-prices, its prices at the cheapest hour of today, and its context."""
    from genai_prices import data_snapshot

    try:
        _, model = data_snapshot.get_snapshot().find_provider_model(ref, None, provider, None)
    except LookupError:
        return None
    midnight = datetime.now(UTC).replace(hour=0, minute=30, second=0, microsecond=0)
    hours = [model.get_prices(midnight + timedelta(hours=hour)) for hour in range(24)]
    return model.id, min(hours, key=lambda prices: _base(prices.input_mtok) or 0.0), model.context_window


@lru_cache(maxsize=64)
def _genai_names(provider: str) -> tuple[str, ...]:
    """Every model of a provider in genai-prices that is sold by the token and not withdrawn."""
    from genai_prices import data_snapshot

    try:
        found = data_snapshot.get_snapshot().find_provider("", provider, None)
    except LookupError:
        return ()
    now = datetime.now(UTC)
    priced = ((model, model.get_prices(now)) for model in found.models if not model.deprecated)
    return tuple(model.id for model, price in priced if price.input_mtok and price.output_mtok)


def _genai_tiers(prices: Any) -> tuple[Tier, ...]:
    starts = [tier.start for tier in getattr(prices.input_mtok, "tiers", ())]

    def at(price: Any, start: int) -> float | None:
        dearer = {tier.start: float(tier.price) for tier in getattr(price, "tiers", ())}
        return dearer.get(start, _base(price))

    return tuple(
        # Its tiers start at a number of tokens, some of them one early; ours are above one.
        Tier(round(start, -3), read, written, at(prices.cache_read_mtok, start))
        for start in starts
        if (read := at(prices.input_mtok, start)) is not None and (written := at(prices.output_mtok, start)) is not None
    )


def _base(price: Any) -> float | None:
    """A price below every tier."""
    return None if price is None else float(getattr(price, "base", price))


def _litellm_listing(prices: Mapping[str, Any], name: str, model_id: str) -> Listing | None:
    provider, _, _ = model_id.partition("/")
    prefix = _LITELLM.get(provider, f"{provider}/")
    tail = name.split("/")[-1]
    for key in (name, f"{prefix}{tail}", f"{prefix}{tail.replace('.', '-')}"):
        entry = prices.get(key)
        if entry is not None and entry.get("input_cost_per_token") is not None:
            return _listing_of(entry, key)
    return None


def _listing_of(entry: Mapping[str, Any], name: str) -> Listing:
    def million(field_name: str) -> float | None:
        price = entry.get(field_name)
        return round(price * 1e6, 9) if isinstance(price, int | float) else None

    def whole(field_name: str) -> int | None:
        number = entry.get(field_name)
        return int(number) if isinstance(number, int | float) else None

    tiers = []
    for key in entry:
        if found := _ABOVE.fullmatch(key):
            size = found[1]
            read, written = million(key), million(f"output_cost_per_token_above_{size}k_tokens")
            cached = million(f"cache_read_input_token_cost_above_{size}k_tokens")
            if read is not None:
                tiers.append(Tier(int(size) * 1000, read, written or million("output_cost_per_token") or 0.0, cached))
    return Listing(
        "litellm",
        name,
        million("input_cost_per_token"),
        million("output_cost_per_token"),
        million("cache_read_input_token_cost"),
        million("cache_creation_input_token_cost"),
        whole("max_input_tokens"),
        whole("max_output_tokens"),
        {feature: entry[flag] for feature, flag in _FLAGS.items() if isinstance(entry.get(flag), bool)},
        tuple(sorted(tiers, key=lambda tier: tier.above)),
    )
