"""`pointsman route`: decide for one prompt, or for every line of a file."""

import json
import sys
from collections.abc import Mapping
from math import isnan
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
    from pointsman.decision import Candidate, Decision
    from pointsman.router import Router

SHOWN = 20


@click.command()
@click.argument("prompt", required=False)
@click.option("--config", default="auto", show_default=True, help="The router config.")
@click.option("--batch", type=click.File("rb"), help="JSONL file (or - ): a decision a line, as JSONL.")
@click.option("--record", is_flag=True, help="Keep the decision in the history.")
@click.option("--threshold", type=float, help="Completion to ask for, from 0 to 1. [default: the config's]")
@click.option("--worth", "worth_usd", type=float, help="USD that a completed request is worth: chooses by value.")
@click.option("--within", type=float, help="Choose no further than this below the best, from 0 to 1.")
@click.option("--model", "models", multiple=True, help="Choose among these: id or alias, or id@effort. Repeatable.")
@click.option("--exclude", multiple=True, help="A model or candidate that is not to be chosen. Repeatable.")
@click.option("--effort", "efforts", multiple=True, help="Choose among these levels of effort. Repeatable.")
@click.option("--needs", "supports", multiple=True, help="tools, json or reasoning: leave out what lacks it.")
@click.option("--max-output-tokens", type=int, help="The limit that the model will be called with.")
@click.option("--max-cost", "max_cost_usd", type=float, help="USD that the request may cost.")
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
    **asked: Any,
) -> None:
    """Decide for PROMPT (`-` reads standard input), or for every line of a JSONL file.

    A line of a batch is a JSON string, or an object with the fields of POST /api/route. A line that cannot be
    routed gives a problem document in its place, and the exit code is 1 at the end. What is asked for by options
    holds for every line that does not say otherwise.
    """
    asked = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asked.items() if value or value == 0
    }
    if (prompt is None) == (batch is None):
        raise click.UsageError("Give a PROMPT (or -), or a file with --batch.")
    from pointsman.router import Router

    router = Router.load(artifact, registry, history=recording_history_of(db, table) if record else None)
    if batch is not None:
        sys.exit(_route_batch(router, batch, {"config": config, **asked}))
    if prompt == "-":
        text = prompt_of(sys.stdin.buffer.read(), "standard input")
    else:
        text = argument_of(prompt or "", "PROMPT")
    decision = router.decide(text, config, **asked)
    if as_json:
        print_json(decision.to_dict())
        return
    click.echo(decision.explanation)
    for candidate in _shown(decision):
        mark = "→" if candidate.model_id in decision.selected else " "
        known = "" if candidate.capability_known else "  (no published score)"
        price = "      –      " if isnan(candidate.cost) else f"${candidate.cost:<12.3g}"
        click.echo(
            f"{mark} {candidate.mu:6.1%}  {price} {candidate.output_tokens:>8,} out  {candidate.model_id}{known}"
        )
    left = len(decision.candidates) - len(_shown(decision))
    if left:
        click.echo(f"  … and {left} more; --json has them all")
    if decision.fallbacks:
        names = (one.model_id if one.effort is None else f"{one.model_id}@{one.effort}" for one in decision.fallbacks)
        click.echo(f"If it is unavailable: {', then '.join(names)}.")


def _shown(decision: "Decision") -> list["Candidate"]:
    """The cheapest candidates, with those that were chosen and the strongest."""
    told = {*decision.selected, decision.strongest.model_id}
    return [one for place, one in enumerate(decision.candidates) if place < SHOWN or one.model_id in told]


def _route_batch(router: "Router", stream: BinaryIO, asked: Mapping[str, Any]) -> int:
    """Print a decision or a problem document for every line as it comes; 1 if any line failed."""
    failed = 0
    # A bar on a terminal only; it goes to standard error, since standard output holds the decisions.
    with click.progressbar(stream, file=sys.stderr, show_pos=True) as prompts:
        for number, line in lines_of(prompts):
            try:
                print_json(router.decide(**_batch_line(line, asked)).to_dict(), indent=None)
            except PointsmanError as error:
                failed += 1
                print_json({"line": number, **error.problem()}, indent=None)
    return 1 if failed else 0


def _batch_line(line: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError

    from pointsman.api.schemas import RouteRequest
    from pointsman.errors import MalformedRequest
    from pointsman.faults import first_fault

    try:
        document = json.loads(text_of(line, "the line"))
        fields = {"prompt": document} if isinstance(document, str) else document
        # `names` is how an answer over HTTP calls models; a decision has ours.
        return RouteRequest.model_validate({**asked, **fields}).model_dump(exclude={"names"})
    except ValidationError as error:
        raise MalformedRequest(f"{first_fault(error)}.") from None
    except (ValueError, TypeError, RecursionError):
        raise MalformedRequest("Not a JSON string or object. Write one prompt a line.") from None
