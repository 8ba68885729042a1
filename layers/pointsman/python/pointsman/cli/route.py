"""`pointsman route`: decide for one prompt, or for every line of a file."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from pointsman.cli.dial import dial_options, given
from pointsman.cli.options import (
    artifact_option,
    db_option,
    json_option,
    print_json,
    recording_history_of,
    registry_option,
    table_option,
)
from pointsman.errors import MalformedRequest, PointsmanError, ServiceError
from pointsman.remote import ask
from pointsman.text_in import argument_of, lines_of, prompt_of, text_of

if TYPE_CHECKING:
    from pointsman.router import Router

SHOWN = 20


@click.command()
@click.argument("prompt", required=False)
@click.option("--config", default="auto", show_default=True, help="The router config.")
@click.option("--batch", type=click.File("rb"), help="JSONL file (or - ): a decision a line, as JSONL.")
@click.option(
    "--body", type=click.File("rb"), help="JSON file (or - ): OpenAI chat or Responses, or Anthropic Messages."
)
@click.option("--record", is_flag=True, help="Keep the decision in the history.")
@dial_options
@click.option(
    "--server", metavar="URL", help="Ask a running service, which records by itself, in place of this machine."
)
@click.option("--token", envvar="POINTSMAN_TOKEN", help="The service's token. [default: POINTSMAN_TOKEN]")
@click.option("-q", "--quiet", is_flag=True, help="Print what was chosen and nothing else: model@effort.")
@json_option
@db_option
@table_option
@artifact_option
@registry_option
def route(
    prompt: str | None,
    config: str,
    batch: BinaryIO | None,
    body: BinaryIO | None,
    record: bool,
    server: str | None,
    token: str | None,
    quiet: bool,
    as_json: bool,
    db: Path | None,
    table: str | None,
    artifact: Path | None,
    registry: Path | None,
    **options: Any,
) -> None:
    """Decide for PROMPT, for standard input, for a request in a file, or for every line of a JSONL file.

    A line of a batch is a JSON string, or an object with the fields of POST /api/route. A line that cannot be
    routed gives a problem document in its place, and the exit code is 1 at the end. What is asked for by options
    holds for every line that does not say otherwise.
    """
    asked = given(options)
    if prompt is None and batch is None and body is None and not sys.stdin.isatty():
        prompt = "-"
    if sum(one is not None for one in (prompt, batch, body)) != 1:
        raise click.UsageError("Give a PROMPT (or -), a request with --body, or a file with --batch: one of them.")
    if server is not None and batch is not None:
        raise click.UsageError("--batch is decided on this machine: leave out --server.")
    if server is not None:
        document = _ask(server, token, {**_request(prompt, body), "config": config, **asked})
    else:
        from pointsman.router import Router

        router = Router.load(artifact, registry, history=recording_history_of(db, table) if record else None)
        if batch is not None:
            sys.exit(_route_batch(router, batch, {"config": config, **asked}))
        document = _decide(router, {**_request(prompt, body), "config": config, **asked})
    if as_json:
        print_json(document)
    elif quiet:
        click.echo("\n".join(document["selected"]))
    else:
        _print(document)


def _request(prompt: str | None, body: BinaryIO | None) -> dict[str, Any]:
    """What is to be routed, as a body of `POST /api/route`."""
    if body is not None:
        try:
            document = json.loads(text_of(body.read(), body.name))
        except ValueError as error:
            raise MalformedRequest(f"{body.name}: not JSON ({error}). Write the body of a request.") from None
        if not isinstance(document, dict):
            raise MalformedRequest(f"{body.name}: not a JSON object. Write the body of a request.")
        return document
    if prompt == "-":
        return {"prompt": prompt_of(sys.stdin.buffer.read(), "standard input")}
    return {"prompt": argument_of(prompt or "", "PROMPT")}


def _decide(router: "Router", body: Mapping[str, Any]) -> dict[str, Any]:
    """The decision of this machine."""
    if "prompt" in body and not {"messages", "input"} & set(body):
        return router.decide(**body).to_dict()
    from pointsman.api.asking import asking_of

    asking = asking_of(body, {}, router.registry)
    return router.decide(asking.prompt, asking.config, session_id=asking.session_id, **asking.fields).to_dict()


def _ask(server: str, token: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """The decision of a running service."""
    document = ask(server, token, "POST", "/api/route", body)
    if "selected" not in document:
        raise ServiceError(f"{server}: answered no decision. Is it a Pointsman service?")
    return document


def _print(document: Mapping[str, Any]) -> None:
    """A decision for people: the words, the cheapest candidates, the chosen and the strongest among them, fallbacks."""
    click.echo(document["explanation"])
    told = {*document["selected"], document["strongest"]["model_id"]}
    rows = document["candidates"]
    shown = [one for place, one in enumerate(rows) if place < SHOWN or one["model_id"] in told]
    for one in shown:
        mark = "→" if one["model_id"] in document["selected"] else " "
        known = "" if one.get("capability_known", True) else "  (no published score)"
        price = "      –      " if one["cost"] is None else f"${one['cost']:<12.3g}"
        line = f"{mark} {one['mu']:6.1%}  {price} {one['output_tokens']:>8,} out  {one['model_id']}{known}"
        # click drops the colour where nobody sees it; NO_COLOR (https://no-color.org) asks for none.
        bold = mark != " " and not os.environ.get("NO_COLOR")
        click.echo(click.style(line, bold=True) if bold else line)
    if left := len(rows) - len(shown):
        click.echo(f"  … and {left} more; --json has them all")
    if document["fallbacks"]:
        names = (
            one["model_id"] if one["effort"] is None else f"{one['model_id']}@{one['effort']}"
            for one in document["fallbacks"]
        )
        click.echo(f"If it is unavailable: {', then '.join(names)}.")


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

    from pointsman.api.request_schemas import RouteRequest
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
