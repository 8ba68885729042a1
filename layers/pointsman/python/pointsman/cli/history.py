"""`pointsman history`: what was decided, and appending what a log kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from pointsman.cli.options import db_option, history_of, json_option, print_json, table_option

if TYPE_CHECKING:
    from pointsman.history import History


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--config", help="Only this config.")
@click.option("--model", help="Only decisions that chose this model.")
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
    """List decisions, newest first; `history replay` appends what the log kept."""
    if context.invoked_subcommand:
        context.obj = (db, table)
        return
    from pointsman.history import Filter

    store = history_of(db, table)
    for call in _calls(store, limit, Filter(config=config, model=model)):
        if as_json:
            print_json(call, indent=None)
        else:
            models = " + ".join(call["selected"])
            preview = (call["prompt_preview"] or "(not kept)")[:60]
            click.echo(f"{call['ts']}  {call['id']}  {call['expected_quality']:4.0%}  {models}  {preview}")
    store.close()


def _calls(store: "History", limit: int, where: Any) -> Iterator[Any]:
    cursor, left = None, limit
    while left > 0:
        page = store.page(min(left, 200), cursor, where)
        yield from page.calls
        left -= len(page.calls)
        cursor = page.next
        if cursor is None:
            return


@history.command()
@click.argument("decision_id")
@click.pass_obj
def show(named: tuple[Path | None, str | None], decision_id: str) -> None:
    """Print one decision whole, with its outcomes."""
    store = history_of(*named)
    print_json(store.get(decision_id))
    store.close()


@history.command()
@click.argument("log", type=click.File("r"))
@click.pass_obj
def replay(named: tuple[Path | None, str | None], log: TextIO) -> None:
    """Append the decisions that a LOG kept when the store was gone; none is stored twice."""
    from pointsman.history import replay as append_all

    store = history_of(*named)
    count = sum(1 for _ in append_all(store, log))
    store.close()
    click.echo(f"{count} decision{'' if count == 1 else 's'} of the log are in the history now.")
