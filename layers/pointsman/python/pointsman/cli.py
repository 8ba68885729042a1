"""The command line. Every command parses, calls the library and prints; heavy imports wait until needed."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from pointsman.cli_token import token
from pointsman.errors import Fault, PointsmanError

if TYPE_CHECKING:
    from pointsman.history import History
    from pointsman.registry import Registry
    from pointsman.router import Router

FOLDER = click.Path(path_type=Path)

_artifact = click.option("--artifact", type=FOLDER, help="Artifact folder. [default: the bundled one]")
_registry = click.option("--registry", type=FOLDER, help="Registry folder. [default: the bundled one]")
_db = click.option("--db", type=FOLDER, help="SQLite file of the history. [default: in your data folder]")
_table = click.option("--table", help="DynamoDB table of the history, in place of a file. [default: POINTSMAN_TABLE]")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pointsman")
def cli() -> None:
    """Which model should serve this prompt? The cheapest one that can complete it."""


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@_db
@_table
@_artifact
@_registry
def serve(
    host: str, port: int, db: Path | None, table: str | None, artifact: Path | None, registry: Path | None
) -> None:
    """Serve the page and the API."""
    from pointsman.server import run

    _one_store(db, table)
    run(host, port, db=db, table=table, artifact=artifact, registry=registry)


@cli.command()
@click.argument("prompt", required=False)
@click.option("--config", default="auto", show_default=True, help="The router config.")
@click.option("--batch", type=click.File("r"), help="JSONL file (or - ): a decision a line, as JSONL.")
@click.option("--record", is_flag=True, help="Keep the decision in the history.")
@_json
@_db
@_table
@_artifact
@_registry
def route(
    prompt: str | None,
    config: str,
    batch: TextIO | None,
    record: bool,
    as_json: bool,
    db: Path | None,
    table: str | None,
    artifact: Path | None,
    registry: Path | None,
) -> None:
    """Decide for PROMPT (`-` reads standard input), or for every line of a JSONL file.

    A line of a batch is a JSON string, or an object with the fields of POST /api/route. A line that cannot be
    routed gives a problem document in its place, and the exit code is 1 at the end.
    """
    if (prompt is None) == (batch is None):
        raise click.UsageError("Give a PROMPT (or -), or a file with --batch.")
    from pointsman.router import Router

    router = Router.load(artifact, registry, history=_history(db, table) if record else None)
    if batch is not None:
        sys.exit(_route_batch(router, batch, config))
    text = sys.stdin.read() if prompt == "-" else prompt
    decision = router.decide(text or "", config)
    if as_json:
        _print_json(decision.to_dict())
        return
    click.echo(decision.explanation)
    for candidate in decision.candidates:
        mark = "→" if candidate.model_id in decision.selected else " "
        known = "" if candidate.capability_known else "  (no published score)"
        click.echo(f"{mark} {candidate.mu:6.1%}  ${candidate.cost:<12.3g} {candidate.model_id}{known}")


def _one_store(db: Path | None, table: str | None) -> None:
    if db is not None and table is not None:
        raise click.UsageError("Give --db or --table, not both.")


def _history(db: Path | None, table: str | None) -> "History":
    """The store that the options name, else the one of the settings."""
    from pointsman.history import open_history
    from pointsman.settings import load_settings

    _one_store(db, table)
    return open_history(load_settings(db=db, table=table))


def _route_batch(router: "Router", lines: TextIO, config: str) -> int:
    """Print a decision or a problem document for every line as it comes; 1 if any line failed."""
    from tqdm import tqdm

    failed = 0
    # `None`: a bar on a terminal only; it goes to standard error, since standard output holds the decisions.
    for number, line in enumerate(tqdm(lines, unit=" prompts", disable=None), start=1):
        if not line.strip():
            continue
        try:
            _print_json(router.decide(**_batch_line(line, config)).to_dict(), indent=None)
        except PointsmanError as error:
            failed += 1
            _print_json({"line": number, **error.problem()}, indent=None)
    return 1 if failed else 0


def _batch_line(line: str, config: str) -> dict[str, Any]:
    from pydantic import ValidationError

    from pointsman.api.schemas import RouteRequest
    from pointsman.checks import first_fault
    from pointsman.errors import MalformedRequest

    try:
        document = json.loads(line)
        fields = {"prompt": document} if isinstance(document, str) else document
        return RouteRequest.model_validate({"config": config, **fields}).model_dump()
    except ValidationError as error:
        raise MalformedRequest(f"{first_fault(error)}.") from None
    except (ValueError, TypeError, RecursionError):
        raise MalformedRequest("Not a JSON string or object. Write one prompt a line.") from None


@cli.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--config", help="Only this config.")
@click.option("--model", help="Only decisions that chose this model.")
@_json
@_db
@_table
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

    store = _history(db, table)
    for call in _calls(store, limit, Filter(config=config, model=model)):
        if as_json:
            _print_json(call, indent=None)
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
    store = _history(*named)
    _print_json(store.get(decision_id))
    store.close()


@history.command()
@click.argument("log", type=click.File("r"))
@click.pass_obj
def replay(named: tuple[Path | None, str | None], log: TextIO) -> None:
    """Append the decisions that a LOG kept when the store was gone; none is stored twice."""
    from pointsman.history import replay as append_all

    store = _history(*named)
    count = sum(1 for _ in append_all(store, log))
    store.close()
    click.echo(f"{count} decision{'' if count == 1 else 's'} of the log are in the history now.")


@cli.command()
@_json
@_registry
def models(as_json: bool, registry: Path | None) -> None:
    """List the models of the registry."""
    for model in _registry_of(registry).models.values():
        if as_json:
            _print_json({**model.model_dump(mode="json"), "capability": model.capability}, indent=None)
        else:
            known = "   –" if model.capability is None else f"{model.capability:.1%}"
            prices = f"${model.input_cost_per_1k * 1000:g} / ${model.output_cost_per_1k * 1000:g} per million"
            click.echo(f"{model.model_id:40} {known:>6}  {prices}")


@cli.command()
@_json
@_registry
def configs(as_json: bool, registry: Path | None) -> None:
    """List the router configs."""
    for config in _registry_of(registry).configs.values():
        if as_json:
            _print_json(config.model_dump(mode="json"), indent=None)
        else:
            bar = f"threshold {config.completion_threshold:g}, up to {config.max_k} of {len(config.models)} models"
            click.echo(f"{config.name:16} {bar}: {config.description}")


@cli.group()
def registry() -> None:
    """Look after the registry."""


@registry.command()
@click.argument("folder", type=FOLDER, required=False)
@_registry
def check(folder: Path | None, registry: Path | None) -> None:
    """Check every file of a registry FOLDER and report every fault at once."""
    known = _registry_of(folder or registry)
    click.echo(f"{len(known.models)} models and {len(known.configs)} configs, no fault.")


def _registry_of(folder: Path | None) -> "Registry":
    from pointsman.registry import load_registry
    from pointsman.settings import load_settings

    return load_registry(load_settings(registry=folder).registry)


def _print_json(document: Any, indent: int | None = 2) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=indent))


def fault_line(fault: Fault) -> str:
    """A fault as one line: where, what, and what to do."""
    value = "" if fault.value is None else f" (found {fault.value!r})"
    return f"{fault.field}: {fault.message}{value}; {fault.remedy}"


cli.add_command(token)


def main() -> None:
    """Run a command; an error of ours is a line on standard error and exit code 1, never a stack trace."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        cli()
    except PointsmanError as error:
        click.echo(f"pointsman: {error.detail}", err=True)
        from pointsman.errors import RegistryError

        if isinstance(error, RegistryError):
            for fault in error.faults:
                click.echo(f"  {fault_line(fault)}", err=True)
        sys.exit(1)
    except UnicodeDecodeError:
        click.echo("pointsman: the input is not UTF-8 text. Convert it first.", err=True)
        sys.exit(1)
