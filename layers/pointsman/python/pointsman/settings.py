"""What can be set from outside: environment variables, typed, with the defaults of a laptop.

A path that is not set is looked for in the installed package (`_bundle`, which the wheel holds) and then in
the source tree, so the same code runs from a checkout, from a wheel and on Lambda.
"""

import logging
import os
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pointsman.errors import SettingsError, shortened
from pointsman.faults import Misfit, Misfits, faults_of

PREFIX = "POINTSMAN_"
# What settings were called before; read with a warning.
_OLD_NAMES = {
    "store_prompts": ("PROMPT_LOGGING", "POINTSMAN_PROMPT_LOGGING"),
    "log_prompts": ("LOG_PROMPTS",),
}


def _like(pattern: str, message: str, remedy: str) -> AfterValidator:
    """Text of a pattern, or none; another one is refused in words."""
    wanted = re.compile(pattern)

    def check(text: str) -> str:
        if text and not wanted.fullmatch(text):
            raise Misfits(Misfit(message, remedy))
        return text

    return AfterValidator(check)


# Exact origins, and never all of them.
Origins = Annotated[
    str,
    _like(
        r"\s*https?://[^/\s,*]+/?\s*(,\s*https?://[^/\s,*]+/?\s*)*",
        "not a list of origins",
        "Give whole origins with commas between them, such as https://app.example.com, http://localhost:3000",
    ),
]
Table = Annotated[
    str,
    _like(
        r"[a-zA-Z0-9_.-]{3,255}|arn:[a-zA-Z0-9:/_.-]{1,1000}",
        "neither the name of a DynamoDB table nor its ARN",
        "Give a name of 3 to 255 letters, digits, dots, hyphens and underscores, or an ARN that begins with arn:",
    ),
]
Endpoint = Annotated[
    str,
    _like(
        r"https?://[^/\s]+/?",
        "not an address",
        "Give a scheme and a host without a path, such as http://127.0.0.1:8000",
    ),
]

log = logging.getLogger("pointsman")


class StorePrompts(StrEnum):
    """How much of a prompt the history stores."""

    FULL = "full"  # at most 64 KiB of head and tail
    VIEW = "view"  # the part that was embedded
    HASH = "hash"  # only its sha256 and size


class Settings(BaseModel):
    """Paths, limits and habits; every field is an environment variable `POINTSMAN_<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    artifact: Path = Field(default_factory=lambda: _find("artifact", "layers/artifacts/default"))
    registry: Path = Field(default_factory=lambda: _find("registry", "registry"))
    web: Path = Field(default_factory=lambda: _find("web", "web"))
    # An embedder of its own: a folder, or s3://bucket/prefix; the artifact's where it is not set.
    embedder: str | None = None
    db: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("pointsman")) / "history.db")
    # A DynamoDB table keeps the history in place of the file. Empty is none, as templates say it.
    table: Table | None = None
    dynamodb_endpoint: Endpoint | None = None
    store_prompts: StorePrompts = StorePrompts.FULL
    # Whether the log line of a decision that could not be stored holds its prompt.
    log_prompts: bool = True
    # Unicode text of a million tokens is about 4 MiB; a synchronous Lambda call takes 6 MB in all.
    max_prompt_bytes: Annotated[int, Field(ge=1, le=64 * 2**20)] = 4 * 2**20
    # 0 keeps decisions for ever.
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    # What a request may wait for the store in all: a connection, a lock, tries anew.
    store_deadline_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    # Of the local server: decisions that wait for a processor before more are refused, and open connections.
    max_waiting: Annotated[int, Field(ge=0, le=100_000)] = 32
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 512
    # How long a conversation that rests is remembered; 0 remembers none.
    session_ttl_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 3_600
    # Off: the published formula alone decides, whatever the artifact learned from outcomes.
    refinement: bool = True
    # The document of bearer tokens that the local server asks for; none: on this machine alone it asks for none.
    tokens: Path | None = None
    # Names that the local server answers to beside its own, with commas between them.
    allowed_hosts: str = ""
    # Origins of pages that may ask the local server, with commas between them. Empty: only its own page.
    cors_origins: Origins = ""
    # Requests a token may make in a minute, where it has no quota of its own. 0: as many as it likes.
    requests_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    # Days that a new token lasts where it is not said. 0: for ever.
    token_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    # Public keys of Ed25519 in base64, with commas between them; one must have signed the artifact. None: not asked.
    artifact_keys: str = ""
    # A secret that hashes of prompts, conversations and retries are keyed with, so that nobody without it can test what
    # a prompt was. The same for all that share a store.
    hash_key: str = Field(default="", repr=False)
    # A span a decision. None: as OpenTelemetry's own environment variables say.
    spans: bool | None = None
    # Figures for Prometheus at /metrics of the local server.
    metrics: bool = False
    # One thread an inference: requests share the cores, and one prompt gains little from a second.
    threads: Annotated[int, Field(ge=1, le=64)] = 1


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; an override of None leaves the field to the environment.

    Raises:
        SettingsError: a value makes no sense; names the variable, the value and what would be right.
    """
    variables = {name: _variable(name) for name in Settings.model_fields}
    set_outside = {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}
    _check_numbers({variables[name]: value for name, value in set_outside.items() if _is_number(name)})
    _tell_slips(set(variables.values()))
    given = {name: value for name, value in overrides.items() if value is not None}
    if "db" in given:
        # A file that is named here wins over a table that is named outside.
        set_outside.pop("table", None)
    try:
        return Settings.model_validate({**set_outside, **given})
    except ValidationError as error:
        first = faults_of(error)[0]
        said = f"{variables.get(first.field, first.field)}={first.value!r} is not valid: {first.message}"
        raise SettingsError(f"{said}. {first.remedy.removesuffix('.')}, or unset it.") from None


def _is_number(field: str) -> bool:
    return Settings.model_fields[field].annotation is int


def _check_numbers(given: Mapping[str, str]) -> None:
    """Numbers in plain digits: Python would also read `1_0`, ` 5` and `5.0`."""
    for variable, value in given.items():
        if not re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII):
            raise SettingsError(
                f"{variable}={shortened(value)!r} is not valid: not a whole number. Give a whole number, or unset it."
            )


def _tell_slips(known: Collection[str]) -> None:
    """Warn of variables that are nearly one of ours: what is misspelt would be passed over in silence."""
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.85)
            if near:
                log.warning("%s is no setting and is passed over. Did you mean %s?", name, near[0])


def _variable(field: str) -> str:
    """The environment variable of a field: its name of today, or one of before where only that is set."""
    variable = f"{PREFIX}{field.upper()}"
    old = next((name for name in _OLD_NAMES.get(field, ()) if name in os.environ), None)
    if old is None or variable in os.environ:
        return variable
    log.warning("%s is called %s now; it is still read. Rename it.", old, variable)
    return old


def _find(bundled: str, in_checkout: str) -> Path:
    package = Path(__file__).resolve().parent
    in_wheel = package / "_bundle" / bundled
    # In a layer there is less above the package than in a checkout, and every path is named.
    root = package.parents[min(3, len(package.parents) - 1)]
    return in_wheel if in_wheel.exists() else root / in_checkout
