"""`pointsman route`: decide for one prompt, or for every line of a file."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from pointsman.cli.options import (
    artifact_option,
    db_option,
    json_option,
    print_json,
    recording_history_of,
    registry_option,
    table_option,
)
from pointsman.errors import PointsmanError
from pointsman.text_in import argument_of, lines_of, prompt_of, text_of

if TYPE_CHECKING:
    from pointsman.router import Router


@click.command()
@click.argument("prompt", required=False)
@click.option("--config", default="auto", show_default=True, help="The router config.")
@click.option("--batch", type=click.File("rb"), help="JSONL file (or - ): a decision a line, as JSONL.")
@click.option("--record", is_flag=True, help="Keep the decision in the history.")
@json_option
@db_option
@table_option
@artifact_option
@registry_option
def route(
    prompt: str | None,
    config: str,
    batch: BinaryIO | None,
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

    router = Router.load(artifact, registry, history=recording_history_of(db, table) if record else None)
    if batch is not None:
        sys.exit(_route_batch(router, batch, config))
    if prompt == "-":
        text = prompt_of(sys.stdin.buffer.read(), "standard input")
    else:
        text = argument_of(prompt or "", "PROMPT")
    decision = router.decide(text, config)
    if as_json:
        print_json(decision.to_dict())
        return
    click.echo(decision.explanation)
    for candidate in decision.candidates:
        mark = "→" if candidate.model_id in decision.selected else " "
        known = "" if candidate.capability_known else "  (no published score)"
        click.echo(f"{mark} {candidate.mu:6.1%}  ${candidate.cost:<12.3g} {candidate.model_id}{known}")


def _route_batch(router: "Router", stream: BinaryIO, config: str) -> int:
    """Print a decision or a problem document for every line as it comes; 1 if any line failed."""
    failed = 0
    # A bar on a terminal only; it goes to standard error, since standard output holds the decisions.
    with click.progressbar(stream, file=sys.stderr, show_pos=True) as prompts:
        for number, line in lines_of(prompts):
            try:
                print_json(router.decide(**_batch_line(line, config)).to_dict(), indent=None)
            except PointsmanError as error:
                failed += 1
                print_json({"line": number, **error.problem()}, indent=None)
    return 1 if failed else 0


def _batch_line(line: bytes, config: str) -> dict[str, Any]:
    from pydantic import ValidationError

    from pointsman.api.schemas import RouteRequest
    from pointsman.errors import MalformedRequest
    from pointsman.faults import first_fault

    try:
        document = json.loads(text_of(line, "the line"))
        fields = {"prompt": document} if isinstance(document, str) else document
        return RouteRequest.model_validate({"config": config, **fields}).model_dump()
    except ValidationError as error:
        raise MalformedRequest(f"{first_fault(error)}.") from None
    except (ValueError, TypeError, RecursionError):
        raise MalformedRequest("Not a JSON string or object. Write one prompt a line.") from None
