"""What `pointsman route` can ask beside the prompt: an option for every field of `POST /api/route`."""

from collections.abc import Callable, Mapping
from typing import Any

import click

Command = Callable[..., None]

# The options by the field that each gives; a test holds them to the API's own fields.
DIAL: Mapping[str, Callable[[Command], Command]] = {
    "task": click.option("--task", help="A label kept with the decision."),
    "threshold": click.option(
        "--threshold", type=float, help="Completion to ask for, from 0 to 1. [default: the config's]"
    ),
    "worth_usd": click.option(
        "--worth", "worth_usd", type=float, help="USD that a completed request is worth: chooses by value."
    ),
    "within": click.option("--within", type=float, help="Choose no further than this below the best, from 0 to 1."),
    "models": click.option(
        "--model", "models", multiple=True, help="Choose among these: id or alias, or id@effort. Repeatable."
    ),
    "exclude": click.option(
        "--exclude", multiple=True, help="A model or candidate that is not to be chosen. Repeatable."
    ),
    "efforts": click.option(
        "--effort", "efforts", multiple=True, help="Choose among these levels of effort. Repeatable."
    ),
    "supports": click.option(
        "--needs", "supports", multiple=True, help="tools, json or reasoning: leave out what lacks it."
    ),
    "strict_supports": click.option(
        "--strict/--no-strict",
        "strict_supports",
        default=None,
        help="Leave out what is not known to have it, too. [default: the config's]",
    ),
    "preferred_input_modalities": click.option(
        "--input", "preferred_input_modalities", multiple=True, help="image, audio …: candidates must take it."
    ),
    "images": click.option("--images", type=int, help="Images beside the text."),
    "cached_input_tokens": click.option("--cached", "cached_input_tokens", type=int, help="Tokens a cache will serve."),
    "max_output_tokens": click.option(
        "--max-output-tokens", type=int, help="The limit that the model will be called with."
    ),
    "max_cost_usd": click.option("--max-cost", "max_cost_usd", type=float, help="USD that the request may cost."),
    "max_latency_s": click.option("--max-latency", "max_latency_s", type=float, help="Seconds that it may take."),
    "session_id": click.option("--session", "session_id", help="Which conversation it is."),
    "sticky": click.option("--sticky", help="always, economic or never: how a conversation keeps its model."),
    "observe": click.option(
        "--observe/--no-observe",
        default=None,
        help="Answer with --own-model; tell what would have been chosen. [default: the config's]",
    ),
    "own_model": click.option("--own-model", help="The model that would be called without us."),
}


def dial_options(command: Command) -> Command:
    """The command with all of them, in this order."""
    for option in reversed(list(DIAL.values())):
        command = option(command)
    return command


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """What of them was given, as the fields of a request."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None and value != ()
    }
