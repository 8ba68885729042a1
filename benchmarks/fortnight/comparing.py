"""`pointsman report` against the count made apart: every figure of its JSON, its CSV and its table."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from benchmarks.fortnight.ledger import Entry, Sums, counted
from scripts.harness.serving import command

# Sums of floats beside sums of decimals: a hundredth of a cent, and shares to one in a hundred thousand.
MONEY, SHARE = Decimal("0.0001"), Decimal("0.00001")
SAVED = {
    "saved_beside_strongest": ("chosen_usd", "strongest_usd"),
    "saved_beside_own": ("beside_own_usd", "own_usd"),
    "saved_beside_default": ("beside_default_usd", "default_usd"),
}
# The table's columns: what is told there, and how many of the last digit it may be off.
CELLS = (
    "decisions", "chosen_usd", "strongest_usd", "saved_beside_strongest", "own_usd", "saved_beside_own", "default_usd",
    "saved_beside_default", "reported_usd", "reported", "priced_usd", "priced", "completed", "judged",
)  # fmt: skip


def differences(made: Sequence[Entry], db: Path, registry: Path) -> tuple[int, list[str]]:
    """How many figures were compared, and what differs, in words."""
    compared, wrong = 0, []
    for by in ("config", "model", "day", "caller"):
        expected = {name: _told(sums) for name, sums in counted(made, by).items()}
        document = json.loads(reported(by, "json", db, registry))
        rows = {
            "json": {line["group"]: line for line in document["lines"]},
            "csv": {row["group"]: row for row in csv.DictReader(io.StringIO(reported(by, "csv", db, registry)))},
        }
        for form, lines in rows.items():
            if lines.keys() != expected.keys():
                wrong.append(f"{form} by {by}: {sorted(lines)} are told and {sorted(expected)} were counted")
                continue
            for group, figures in expected.items():
                if untold := lines[group].keys() - figures.keys() - {"group"}:
                    wrong.append(f"{form} by {by}: {sorted(untold)} were not counted")
                for name, figure in figures.items():
                    compared += 1
                    if not _same(figure, lines[group].get(name), _within(name)):
                        wrong.append(f"{form} by {by}, {group}: {name} is {lines[group].get(name)}, counted {figure}")
        table = reported(by, "table", db, registry)
        if len(table.splitlines()) != 1 + len(expected):
            wrong.append(
                f"table by {by}: {len(table.splitlines()) - 1} lines are told and {len(expected)} were counted"
            )
            continue
        for group, place, cell, figure in _cells(table, expected):
            compared += 1
            if not _same_cell(figure, cell):
                wrong.append(f"table by {by}, {group}: column {place} is {cell!r}, counted {figure}")
    return compared, wrong


def reported(by: str, form: str, db: Path, registry: Path) -> str:
    """What `pointsman report` prints."""
    asked = command("report", "--by", by, "--format", form, "--db", str(db), "--registry", str(registry))
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def _told(sums: Sums) -> dict[str, Decimal | None]:
    """The sums with the shares that follow from them."""
    shares = {
        name: None if not sums[beside] else 1 - sums[cost] / sums[beside] for name, (cost, beside) in SAVED.items()
    }
    return {**sums, **shares}


def _cells(table: str, expected: Mapping[str, Mapping[str, Decimal | None]]) -> Iterator[tuple[str, int, str, Decimal]]:
    """Each cell of a table beside its figure: its group, its column, and both."""
    _, *rows = table.splitlines()
    for row, figures in zip(
        rows, (expected[name] for name in (*sorted(set(expected) - {"total"}), "total")), strict=True
    ):
        wanted = [figure for name in CELLS if (figure := _in_table(name, figures)) is not None]
        cells = row.split()[-len(wanted) :]
        cells = [""] * (len(wanted) - len(cells)) + cells
        group = row.removesuffix("".join(cells[-1:])).split("  ")[0]
        for place, (cell, figure) in enumerate(zip(cells, wanted, strict=True)):
            yield group, place, cell, figure


def _in_table(name: str, figures: Mapping[str, Decimal | None]) -> Decimal | None:
    """The figure of a column; None where its cell is left empty."""
    number = {name: figure or Decimal(0) for name, figure in figures.items()}
    if name == "completed":
        return number["chosen_completion"] / number["decisions"]
    if name == "judged":
        return number["judged_completion"] / number["judged"] if number["judged"] else None
    needs = {"default_usd": "with_default", "own_usd": "compared", "reported_usd": "reported", "priced_usd": "priced"}
    if name in ("reported", "priced") or name in needs:
        return figures[name] if number[needs.get(name, name)] else None
    return figures[name]


def _within(name: str) -> Decimal:
    return MONEY if name.endswith("_usd") else SHARE


def _same(figure: Decimal | None, told: object, within: Decimal) -> bool:
    if figure is None or told in (None, ""):
        return figure is None and told in (None, "")
    return abs(Decimal(str(told)) - figure) < within


def _same_cell(figure: Decimal, cell: str) -> bool:
    """Whether a cell tells a figure, as exactly as its digits can."""
    text = cell.replace(",", "")
    try:
        told = Decimal(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except InvalidOperation:  # another column, where one of them is empty
        return False
    digits = len(text.rstrip("%").partition(".")[2]) + (2 if text.endswith("%") else 0)
    return abs(told - figure) <= Decimal(10) ** -digits / 2 + Decimal("0.000001")
