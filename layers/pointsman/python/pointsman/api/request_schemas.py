"""What a caller sends, checked: our own fields, a prompt to route, and questions to the history."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from pointsman.instants import instant_of
from pointsman.registry.fields import Feature, Fraction, Gateway, Level, Modality, Positive, Tokens

ModelId = Annotated[str, Field(max_length=200, examples=["deepseek/deepseek-v4-flash"])]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _whole_number(value: object) -> object:
    """A query's number in plain digits; Python would also read `1_0` and ` 5`."""
    if isinstance(value, str) and not re.fullmatch(r"-?\d+", value, re.ASCII):
        raise PydanticCustomError("int_parsing", "not a whole number")
    # Of more digits than any bound has, and than Python reads, the first tell which bound is passed.
    return value[:18] if isinstance(value, str) else value


def whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _instant(value: object) -> object:
    if isinstance(value, str):
        try:
            return instant_of(value)
        except ValueError:
            raise PydanticCustomError("instant", "neither a date nor a time of RFC 3339") from None
    return value


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
MOST_ON_A_PAGE = 200


class HistoryQuery(Strict):
    """Which decisions a page lists."""

    limit: Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE), BeforeValidator(_whole_number)] = 50
    cursor: Annotated[str | None, Field(max_length=200, description="The `next` of the page before")] = None
    config: Annotated[str | None, Field(max_length=64)] = None
    model: Annotated[str | None, Field(max_length=200, description="An id or an alias of a chosen model")] = None
    since: Annotated[Instant | None, Field(description="Included; UTC where no zone is given")] = None
    until: Annotated[Instant | None, Field(description="Excluded")] = None


class Dial(Strict):
    """Our own fields: what is known about a request, and how it is to be chosen for."""

    config: Annotated[str, Field(max_length=64, description="The router config.")] = "auto"
    task: Annotated[str | None, Field(max_length=200, description="A label kept with the decision.")] = None
    preferred_input_modalities: Annotated[
        list[Modality], Field(max_length=5, description="Candidates must take all of these.")
    ] = []
    supports: Annotated[
        list[Feature], Field(max_length=3, description="Candidates that lack one of these are left out.")
    ] = []
    strict_supports: Annotated[
        bool | None, Field(strict=True, description="Leave out also those that are not known to have them.")
    ] = None
    max_output_tokens: Annotated[
        Annotated[Tokens, BeforeValidator(whole)] | None,
        Field(
            description="The limit of the call: caps the expected cost, and models that cannot write it are left out."
        ),
    ] = None
    cached_input_tokens: Annotated[
        Annotated[int, Field(strict=True, ge=0, le=1_000_000_000), BeforeValidator(whole)],
        Field(description="Input tokens that a prompt cache will serve."),
    ] = 0
    images: Annotated[
        Annotated[int, Field(strict=True, ge=0, le=10_000), BeforeValidator(whole)],
        Field(description="Images beside the text."),
    ] = 0
    threshold: Annotated[
        Fraction | None, Field(description="The completion threshold, in place of the config's.", examples=[0.8])
    ] = None
    worth_usd: Annotated[
        Positive | None,
        Field(description="What a completed request is worth: the value policy, in place of the cheapest."),
    ] = None
    within: Annotated[
        Fraction | None, Field(description="Choose no further than this below the best candidate.", examples=[0.03])
    ] = None
    models: Annotated[
        list[ModelId] | None,
        Field(min_length=1, max_length=1000, description="Candidates: ids or aliases, with or without @effort."),
    ] = None
    exclude: Annotated[
        list[ModelId], Field(max_length=1000, description="Models or candidates that are down or not allowed.")
    ] = []
    efforts: Annotated[
        list[Level] | None, Field(min_length=1, max_length=20, description="Levels of effort to choose among.")
    ] = None
    max_cost_usd: Annotated[Positive | None, Field(description="Candidates that cost more are left out.")] = None
    max_latency_s: Annotated[Positive | None, Field(description="Candidates known to take longer are left out.")] = None
    session_id: Annotated[
        str | None, Field(max_length=256, description="Which conversation it is, as the caller knows it.")
    ] = None
    sticky: Annotated[
        Literal["always", "economic", "never"] | None,
        Field(description="How a conversation keeps its model, in place of the config's."),
    ] = None
    observe: Annotated[
        bool | None,
        Field(strict=True, description="Decide and record, but answer with the caller's own model (shadow mode)."),
    ] = None
    own_model: Annotated[
        ModelId | None,
        Field(description="The model that the caller would call without us; of a body with a model, that one."),
    ] = None
    names: Annotated[
        Gateway | None, Field(description="The gateway in whose names models are told, as `model` of each call.")
    ] = None


class RouteRequest(Dial):
    """A prompt to route, what is known about the request, and how it is to be chosen for."""

    prompt: Annotated[
        str,
        Field(
            description="The whole prompt.",
            examples=["What is 1+1?"],
            json_schema_extra={"minLength": 1, "pattern": r"\S"},  # the router refuses a blank one in its own words
        ),
    ]
