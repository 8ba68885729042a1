"""Sizes, dates and names that are hardly meant: thousands left out, octal numbers, milliseconds, the future."""

import re
from datetime import date, timedelta
from typing import Any

import yaml

from pointsman.registry.plausibility.findings import Findings, ModelFile, World

LEAST_CONTEXT, MOST_CONTEXT = 2_000, 20_000_000
STALE = timedelta(days=365)
FIRST = date(2020, 1, 1)


def size_findings(one: ModelFile, world: World) -> Findings:
    """Sizes, dates and names of a model, and numbers that YAML reads otherwise than they look."""
    yield from _misread_numbers(one)
    yield from _tokens(one)
    model = one.model
    if model.as_of > world.today:
        yield one.error(
            "as_of", "in the future", f"Write the day on which it was looked up, {world.today} at the latest."
        )
    elif model.as_of < FIRST:
        yield one.error("as_of", "before there were such models", "Write the day on which it was looked up.")
    elif world.today - model.as_of > STALE:
        yield one.warning("as_of", "looked up more than a year ago", "Look the prices up again, or run update.")
    if model.release_date is not None and model.release_date > max(world.today, model.as_of):
        yield one.warning("release_date", "in the future", "Correct the date, or the model cannot be asked yet.")
    elif model.release_date is not None and model.release_date > model.as_of:
        yield one.warning("as_of", "before the release", "Look the model up again, or correct release_date.")
    if not 0.4 <= model.input_token_factor <= 3:
        remedy = "Write how many of its tokens come on one of the embedder's; 0.7 to 1.6 is usual."
        yield one.warning("input_token_factor", "unusual", remedy)
    if not model.model_id.startswith(f"{model.provider}/"):
        remedy = f"Write {model.model_id.split('/')[0]}, as in the model's id, or correct the id."
        yield one.warning("provider", "not the first part of model_id", remedy)
    if "text" not in model.input_modalities:
        yield one.error("input_modalities", "does not take text", "Add text.")
    if model.replaced_by is not None and model.replaced_by not in world.models:
        yield one.warning("replaced_by", "no model has this id", "Add a file for it, or correct the id.")
    if (model.parameters_b or 0) > 100_000:
        meant = (model.parameters_b or 0) / 1e9
        yield one.error("parameters_b", f"counted in billions: {meant:g}", f"Write {meant:g}.")
    if (model.latency_s or 0) > 120:
        meant = (model.latency_s or 0) / 1000
        yield one.warning("latency_s", f"looks like milliseconds: {meant:g} s", f"Write {meant:g}.")
    if model.latency and (model.latency.first_token_s or 0) > 60:
        meant = (model.latency.first_token_s or 0) / 1000
        yield one.warning("latency.first_token_s", f"looks like milliseconds: {meant:g} s", f"Write {meant:g}.")
    if model.latency and (model.latency.tokens_per_s or 0) > 10_000:
        yield one.warning("latency.tokens_per_s", "faster than any model", "Write tokens a second, not a minute.")
    for gateway, name in model.gateway_names.items():
        if gateway == "openrouter" and "/" not in name:
            yield one.warning("gateway_names.openrouter", "not a name of OpenRouter", "Write provider/model.")


def _tokens(one: ModelFile) -> Findings:
    model = one.model
    context, most = model.context_length, model.max_output_tokens
    if context < LEAST_CONTEXT:
        yield one.error("context_length", f"looks like thousands: {context * 1000}", f"Write {context * 1000}.")
    elif context > MOST_CONTEXT:
        yield one.warning("context_length", "more than any model holds", "Write tokens, not characters or bytes.")
    elif most is not None and most > context:
        remedy = "Swap the two, or correct one: an answer is part of the context."
        yield one.error("max_output_tokens", f"more than the context holds ({context:,})", remedy)
    if most is not None and most < 256:
        yield one.error("max_output_tokens", f"looks like thousands: {most * 1000}", f"Write {most * 1000}.")
    if most is not None and model.expected_output_tokens is not None and model.expected_output_tokens > most:
        yield one.error("expected_output_tokens", f"more than max_output_tokens ({most:,})", "Correct one of the two.")
    blocks = {"output_tokens": model.output_tokens}
    blocks |= {f"efforts.{level}.output_tokens": effort.output_tokens for level, effort in model.efforts.items()}
    for place, tokens in blocks.items():
        for work, mean in tokens.items():
            # A whole task is many answers.
            if most is not None and work != "agentic_coding" and mean > most:
                message = f"a mean above max_output_tokens ({most:,})"
                yield one.warning(f"{place}.{work}", message, "Write tokens an answer, not of a whole benchmark.")


def _misread_numbers(one: ModelFile) -> Findings:
    """Numbers that YAML reads to another base, as octal (0755) or by sixties (1:30)."""

    def walk(node: Any, path: str) -> Findings:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield from walk(value, f"{path}.{key.value}".lstrip("."))
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                yield from walk(value, f"{path}.{i}")
        elif isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and not node.style:
            plain = node.value.lstrip("+-").replace("_", "")
            if re.fullmatch(r"0[0-7]+", plain):
                meant = plain.lstrip("0") or "0"
                yield one.error(path, f"YAML reads {node.value} as {int(plain, 8)}", f"Write {meant}, without a zero.")
            elif ":" in plain:
                yield one.error(path, f"YAML reads {node.value} by sixties", "Write a plain number.")
            elif plain.lower().startswith(("0x", "0b")):
                yield one.warning(path, f"{node.value} is {int(plain, 0)}", f"Write {int(plain, 0)}.")

    yield from walk(one.file.root, "")


_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
