"""What the models in the data cost: list prices, joined by hand, and output lengths that are stated, not measured.

`prices.csv` says which entry of the `genai-prices` package is the same model: the vendor's own where there is one,
else a host that names that very model. A model without an honest match is not there: a distilled model is not the one
it was distilled from, and a later version is not the earlier one. The package's prices are dated; ours are those of
`AS_OF`. The data hardly has token counts, so output is taken to be `STATED_OUTPUT_TOKENS`: where it does (PlanBench),
o1-mini and deepseek-r1 wrote 4,275 and 4,925 on average. Whatever is computed from these is a simulation, and every
report says so with `source_line`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices.data_snapshot import get_snapshot

from artifacts_build.datasets.separated import read_table
from artifacts_build.errors import BuildError

MAPPING = Path(__file__).with_name("prices.csv")
# Noon, for the few hosts whose prices change with the hour.
AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
STATED_OUTPUT_TOKENS = {"chat": 512, "reasoning": 4000}
MAPPING_COLUMNS = ("model_id", "provider", "price_id", "kind")
PRICE_COLUMNS = ("model_id", "input_cost_per_1k", "output_cost_per_1k", "output_tokens")


@dataclass(frozen=True)
class Price:
    """USD per 1,000 tokens, and how many tokens an answer is taken to have."""

    input_cost_per_1k: float
    output_cost_per_1k: float
    output_tokens: float


@dataclass(frozen=True)
class Prices:
    """Prices by model id of the data, and the sentence that says where they are from."""

    by_model: Mapping[str, Price]
    source_line: str


def read_prices(override: Path | None = None) -> Prices:
    """The list prices, or those of a CSV of `PRICE_COLUMNS`.

    Raises:
        BuildError: a line cannot be read; names the file, the line and the remedy.
    """
    if override is not None:
        return Prices(
            {row["model_id"]: _stated_price(row, place) for place, row in _rows(override, PRICE_COLUMNS)},
            f"Costs are simulated: prices and output lengths as stated in {override.name}.",
        )
    providers = {provider.id: {model.id: model for model in provider.models} for provider in get_snapshot().providers}
    prices = {}
    for place, row in _rows(MAPPING, MAPPING_COLUMNS):
        model = providers.get(row["provider"], {}).get(row["price_id"])
        if model is None or row["kind"] not in STATED_OUTPUT_TOKENS:
            raise BuildError(
                f"{place}: genai-prices {version('genai-prices')} has no {row['price_id']!r} of {row['provider']!r}, "
                f"or {row['kind']!r} is neither chat nor reasoning. Mend the line, or leave it out."
            )
        price = model.get_prices(AS_OF)
        prices[row["model_id"]] = Price(
            _per_1k(price.input_mtok), _per_1k(price.output_mtok), STATED_OUTPUT_TOKENS[row["kind"]]
        )
    stated = " and ".join(f"{tokens:,} for {kind} models" for kind, tokens in STATED_OUTPUT_TOKENS.items())
    return Prices(
        prices,
        f"Costs are simulated: list prices of genai-prices {version('genai-prices')} as of {AS_OF.date()}, "
        f"input tokens counted with the embedder's tokenizer, output tokens stated, not measured ({stated}).",
    )


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a CSV, one a model and without an empty cell, with their places."""
    return read_table(path, columns, filled=columns, once="model_id")


def _stated_price(row: Mapping[str, str], place: str) -> Price:
    values = []
    for name in PRICE_COLUMNS[1:]:
        try:
            value = float(row[name])
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise BuildError(f"{place}: {name}: {row[name]!r} is not a number of at least 0. Mend it.")
        values.append(value)
    return Price(*values)


def _per_1k(price: Any) -> float:
    """USD per 1,000 tokens; of a price in tiers the first, since no prompt of the data reaches the second."""
    per_million = price if isinstance(price, Decimal) else price.base
    return float(per_million) / 1000
