"""`pointsman history`: what was decided. The commands that keep a history are in `keeping`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.cli.keeping import COMMANDS
from pointsman.cli.options import (
    db_option,
    history_of,
    json_option,
    named_store,
    place_of,
    print_json,
    registry_of,
    table_option,
)

if TYPE_CHECKING:
    from pointsman.history import History
    from pointsman.registry import Registry


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--config", help="Only this config.")
@click.option("--model", help="Only decisions that chose this model; an id or an alias.")
@json_option
@db_option
@table_option
@click.pass_context
def history(
    context: click.Context,
    limit: int,
    config: str | None,
    model: str | None,
    as_json: bool,
    db: Path | None,
    table: str | None,
) -> None:
    """List decisions, newest first; its commands look after what is kept."""
    if context.invoked_subcommand:
        context.obj = (db, table)
        return
    from pointsman.history import Filter

    store = history_of(db, table)
    # Names are looked up only where some are given: reading the registry takes longer than listing.
    known = registry_of(None) if config is not None or model is not None else None
    found = False
    for call in _calls(store, known, limit, Filter(config=config, model=model)):
        found = True
        if as_json:
            print_json(call, indent=None)
        else:
            models = " + ".join(call["selected"])
            preview = (call["prompt_preview"] or "(not kept)")[:60]
            click.echo(f"{call['ts']}  {call['id']}  {call['expected_quality']:4.0%}  {models}  {preview}")
    if not found:
        # To standard error: what reads the list finds it empty.
        what = "No decisions yet" if known is None else "No decision fits"
        click.echo(f"{what} in {place_of(db, table)}.", err=True)
    store.close()


def _calls(store: "History", known: "Registry | None", limit: int, where: Any) -> Iterator[Any]:
    from pointsman.history.asking import page_of

    cursor, left = None, limit
    while left > 0:
        size = min(left, 200)
        page = store.page(size, cursor, where) if known is None else page_of(store, known, size, cursor, where)
        yield from page.calls
        left -= len(page.calls)
        cursor = page.next
        if cursor is None:
            return


@history.command()
@click.argument("decision_id")
@named_store
def show(named: tuple[Path | None, str | None], decision_id: str) -> None:
    """Print one decision whole, with its outcomes."""
    from pointsman.history.asking import decision_id_of

    store = history_of(*named)
    print_json(store.get(decision_id_of(decision_id)))
    store.close()


for command in COMMANDS:
    history.add_command(command)
