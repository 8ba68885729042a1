"""`pointsman report`: what was spent, and what the alternatives would have cost."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from pointsman.cli.options import (
    db_option,
    history_of,
    instant_given,
    print_json,
    registry_of,
    registry_option,
    table_option,
)

if TYPE_CHECKING:
    from pointsman.history.report import By, Line

_HEADS = (
    "decisions", "chosen $", "strongest $", "saved", "own $", "saved", "default $", "saved", "reported $", "of",
    "priced $", "of", "completed", "judged",
)  # fmt: skip
# Columns that are told whether or not any line has something to say there.
_ALWAYS = 4


@click.command()
@click.option("--by", type=click.Choice(["config", "model", "day", "caller"]), default="config", show_default=True)
@click.option("--since", help="From this time on: a date or a time (UTC where no zone is given).")
@click.option("--until", help="Before this time.")
@click.option("--config", help="Only this config.")
@click.option("--caller", help="Only this caller.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@db_option
@table_option
@registry_option
def report(
    by: str,
    since: str | None,
    until: str | None,
    config: str | None,
    caller: str | None,
    form: str,
    db: Path | None,
    table: str | None,
    registry: Path | None,
) -> None:
    """What was spent, expected and reported, beside the strongest, the config's default and the caller's own model.

    Money is USD. `chosen` is what the policy chose; in shadow mode (observe: true) it was not called, and `own` is what
    was. `reported` adds up what outcomes say was paid, of as many decisions as `of` says; `priced` is what tokens that
    were reported without money cost by the registry's prices. Columns without a figure are left out of the table.
    """
    from pointsman.history.report import report as reported
    from pointsman.instants import instant_of
    from pointsman.routing.cost import usd_of_usage

    known = registry_of(registry)
    defaults = {
        name: known.candidate(one.default_model).candidate_id if one.default_model else None
        for name, one in known.configs.items()
    }
    store = history_of(db, table)

    def wanted() -> Iterator[dict[str, Any]]:
        for decision in store.decisions(instant_given("--since", since), instant_given("--until", until)):
            if config in (None, decision["config"]) and caller in (None, decision["caller"]):
                yield decision

    def price(name: str, ts: str, read: int, cached: int, written: int) -> float | None:
        return usd_of_usage(known, name, instant_of(ts), read, cached, written)

    lines = reported(wanted(), cast("By", by), defaults, price)
    store.close()
    if form == "json":
        print_json({"by": by, "lines": [line.told() for line in lines]})
    elif form == "csv":
        rows = [line.told() for line in lines]
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_table(by, lines)


def _print_table(by: str, lines: "list[Line]") -> None:
    told = [_cells(line) for line in lines]
    shown = [i for i in range(len(told[0])) if i <= _ALWAYS or any(row[i] for row in told)]
    rows = [tuple(row[i] for i in shown) for row in [(by, *_HEADS), *told]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        first = row[0].ljust(widths[0])
        click.echo("  ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]))
    total = lines[-1]
    if total.unpriced:
        click.echo(f"{total.unpriced} decisions have no known price and are in no sum of money.", err=True)
    if total.tokens_alone:
        click.echo(
            f"{total.tokens_alone} decisions have tokens that were reported without a cost and have no known price: "
            "they are in no sum of what was paid.",
            err=True,
        )


def _cells(line: "Line") -> tuple[str, ...]:
    told = line.told()
    return (
        line.group,
        f"{line.decisions:,}",
        f"{line.chosen_usd:,.4f}",
        f"{line.strongest_usd:,.4f}",
        _share(told["saved_beside_strongest"]),
        f"{line.own_usd:,.4f}" if line.compared else "",
        _share(told["saved_beside_own"]),
        f"{line.default_usd:,.4f}" if line.with_default else "",
        _share(told["saved_beside_default"]),
        f"{line.reported_usd:,.4f}" if line.reported else "",
        f"{line.reported:,}" if line.reported else "",
        f"{line.priced_usd:,.4f}" if line.priced else "",
        f"{line.priced:,}" if line.priced else "",
        _share(line.chosen_completion / line.decisions if line.decisions else None),
        _share(line.judged_completion / line.judged if line.judged else None),
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
