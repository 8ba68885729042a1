"""The kinds of value that registry files hold.

Everything is strict: a number is a number, a date is written YYYY-MM-DD, and nothing is guessed.
"""

import re
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from pointsman.faults import Misfit, Misfits

Modality = Literal["text", "image", "audio", "video", "file"]
Feature = Literal["tools", "json", "reasoning"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Gateway = Literal["openrouter", "litellm", "bedrock", "vertex", "azure"]
Dialect = Literal["openai_chat", "openai_responses", "anthropic_messages", "openrouter"]
# Kinds of work, as answers differ in length: `agentic_coding` is a whole task of many turns, the rest one answer.
Work = Literal[
    "short_fact",
    "knowledge_qa",
    "hard_reasoning",
    "math",
    "coding",
    "agentic_coding",
    "long_context",
    "instruction",
    "data",
    "language",
    "chat",
]
WORK: tuple[Work, ...] = get_args(Work)
# The levels that are known to the field, from least to most. `thinking` is a model's that only switches it on or off.
EFFORTS = ("none", "minimal", "low", "medium", "high", "thinking", "xhigh", "max")

Price = Annotated[float, Field(strict=True, ge=0, le=1000, allow_inf_nan=False)]
PricePerMillion = Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
MeanTokens = Annotated[float, Field(strict=True, gt=0, le=100_000_000, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=200)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
LEVEL = re.compile(r"[a-z][a-z0-9_-]{0,31}")
Level = Annotated[str, Field(pattern=f"^{LEVEL.pattern}$")]


def _written_date(value: object) -> object:
    """A date as YAML or JSON has it; a bare number is no date, though a parser would count it in seconds."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise Misfits(Misfit("not a date", "Write a date as YYYY-MM-DD."))


Day = Annotated[date, BeforeValidator(_written_date)]


def is_url(url: str) -> bool:
    """Whether a text is a web address."""
    return url.startswith(("https://", "http://"))
