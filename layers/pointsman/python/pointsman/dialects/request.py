"""The one request that every dialect becomes: turns to read, text to count, and what a model must be able to take.

Nothing of a body is dropped from what is counted: tools, schemas, calls and their results are input tokens as much as
words are. Images, audio and files are counted as such and never as the letters that carry them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, NoReturn

import orjson

from pointsman.dialects.images import image_of
from pointsman.errors import Fault, RequestError, shortened
from pointsman.routing.image_tokens import Image

InputFormat = Literal["openai_chat", "openai_responses", "anthropic_messages"]
INPUT_FORMATS: tuple[InputFormat, ...] = ("openai_chat", "openai_responses", "anthropic_messages")
Role = Literal["system", "user", "assistant", "tool"]

MOST_MESSAGES = 10_000
# What an attachment is taken to cost in input tokens, where nothing but its presence is known.
ATTACHMENT_TOKENS = {"audio": 1_000, "file": 3_000, "video": 10_000}
# A gateway that withholds text says how much of it there was.
WITHHELD = re.compile(r"\s*\[redacted:? ?(\d{1,12}) char(?:acter)?s?\]\s*", re.IGNORECASE)
_LABELS: Mapping[Role, str] = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}


class Message(NamedTuple):
    """One turn: who speaks, the text that is read, and what is only counted (calls, reasoning, unknown blocks)."""

    role: Role
    text: str
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a body asks for, whatever its dialect.

    `tools` is the text of tools and schemas; `withheld_chars` what a gateway kept back; `marked_chars` how much of
    `whole` lies before the last mark of the caller to cache it, None where there is none; `cache_s` how long that mark
    asks it to be kept.
    """

    dialect: InputFormat | None
    messages: tuple[Message, ...]
    tools: str = ""
    images: tuple[Image, ...] = ()
    modalities: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    max_output_tokens: int | None = None
    model: str | None = None
    attachment_tokens: int = 0
    withheld_chars: int = 0
    marked_chars: int | None = None
    cache_s: int = 300

    @property
    def prompt(self) -> str:
        """The conversation as one text: the only message as it is, several with the name of who speaks before each."""
        spoken = [message for message in self.messages if message.text]
        if len(spoken) == 1:
            return spoken[0].text
        return "\n\n".join(f"{_LABELS[role]}: {text}" for role, text, _ in spoken)

    @property
    def whole(self) -> str:
        """All that is counted, in the order in which providers cache it: tools, then the messages."""
        return _joined(self.tools, self.messages)

    @property
    def current(self) -> str:
        """What is asked now: the last text of the user, else the last text there is."""
        texts = [message.text for message in self.messages if message.role == "user" and message.text]
        return texts[-1] if texts else next((m.text for m in reversed(self.messages) if m.text), "")

    @property
    def is_withheld(self) -> bool:
        """Whether a gateway kept back the text of what is asked now, so that there is nothing to judge."""
        return WITHHELD.fullmatch(self.current) is not None

    def needs(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What is asked beside a request, together with what the request needs by itself."""
        taken = asked.get("preferred_input_modalities") or ()
        limit = asked.get("max_output_tokens")
        return {
            **asked,
            "supports": list(dict.fromkeys([*(asked.get("supports") or ()), *self.supports])),
            "preferred_input_modalities": list(dict.fromkeys([*taken, *self.modalities])),
            "max_output_tokens": self.max_output_tokens if limit is None else limit,
        }

    @property
    def stable(self) -> str:
        """What stays the same through a conversation: tools, system and the first message of the user."""
        first = next((m.text + m.counted for m in self.messages if m.role == "user"), "")
        return "\x00".join([self.tools, *(m.text for m in self.messages if m.role == "system"), first])


def of_prompt(prompt: str) -> Request:
    """The request of a bare prompt."""
    return Request(None, (Message("user", prompt),))


@dataclass(slots=True)
class Draft:
    """A request while its body is read."""

    messages: list[Message] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    # How many messages lie before the last mark to cache, the seconds it asks for, and whether one is being read.
    marked_at: int | None = None
    cache_s: int = 300
    marking: bool = False

    def add(self, *messages: Message) -> None:
        """Messages that are read; a mark in any of their parts lies behind them."""
        self.messages += messages
        if self.marking:
            self.marked_at, self.marking = len(self.messages), False

    def image(self, source: object, detail: object = None) -> None:
        """An image: a data URI, the letters of one, or an address."""
        self.images.append(image_of(source, detail))

    def attach(self, modality: str) -> None:
        """Audio, a file or a video."""
        self.attachments.append(modality)

    def mark(self, block: Mapping[str, Any]) -> bool:
        """Note the mark to cache what came so far, if a block has one; whether it has."""
        control = block.get("cache_control")
        if isinstance(control, Mapping):
            self.marking = True
            self.cache_s = 3600 if control.get("ttl") == "1h" else 300
        return self.marking

    def request(
        self,
        dialect: InputFormat,
        body: Mapping[str, Any],
        *,
        tools: str,
        supports: Sequence[str],
        max_output_tokens: int | None,
    ) -> Request:
        """The finished request.

        Raises:
            RequestError: there is nothing in it to answer.
        """
        # A mark on the body is one behind its last message.
        self.mark(body)
        self.add()
        where = "input" if dialect == "openai_responses" else "messages"
        if not any(message.text or message.counted for message in self.messages) and not (
            self.images or self.attachments
        ):
            refuse(where, "no message has any content", "Send what the model is to answer.")
        modalities = [*(["image"] if self.images else []), *dict.fromkeys(self.attachments)]
        marked = None
        if self.marked_at is not None:
            marked = len(_joined(tools, self.messages[: self.marked_at]))
        model = body.get("model")
        if not (model is None or isinstance(model, str)):
            remedy = "Send the name of a config or of a model, or leave it out."
            refuse("model", f"not a string but {kind(model)}", remedy, model)
        return Request(
            dialect=dialect,
            messages=tuple(self.messages),
            tools=tools,
            images=tuple(self.images),
            modalities=tuple(modalities),
            supports=tuple(supports),
            max_output_tokens=max_output_tokens,
            model=model,
            attachment_tokens=sum(ATTACHMENT_TOKENS[modality] for modality in self.attachments),
            withheld_chars=sum(withheld(m.text) for m in self.messages),
            marked_chars=marked,
            cache_s=self.cache_s,
        )


def _joined(tools: str, messages: Sequence[Message]) -> str:
    parts = [tools] if tools else []
    for _, text, counted in messages:
        if text:
            parts.append(text)
        if counted:
            parts.append(counted)
    return "\n".join(parts)


def withheld(text: str) -> int:
    """How many characters a gateway kept back of this text; 0 where it is the text itself."""
    if not text.lstrip().startswith("["):
        return 0
    found = WITHHELD.fullmatch(text)
    return int(found[1]) if found else 0


def dumped(value: object) -> str:
    """A part of a body as text, to be counted.

    Raises:
        RequestError: it is nested too deeply to be anything that a provider takes.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # numbers of more than 64 bits, half characters, depth
        try:
            return json.dumps(value, ensure_ascii=False)
        except RecursionError:
            message, remedy = "nested too deeply", "Send a body of fewer levels."
            raise RequestError(f"(body): {message}. {remedy}", [Fault("(body)", message, remedy)]) from None


def refuse(field: str, message: str, remedy: str, value: object = None) -> NoReturn:
    """Raise RequestError about one field."""
    shown = None if value is None else shortened(value if isinstance(value, str) else dumped(value))
    said = f"{field}: {message}" + (f" ({shown})" if shown else "")
    raise RequestError(f"{said}. {remedy}", [Fault(field, message, remedy, shown)])


def listed(field: str, value: object, what: str) -> list[Any]:
    """A field that must be a list with something in it."""
    if value is None:
        refuse(field, "missing or null", f"Send a list of {what}.")
    if not isinstance(value, list):
        refuse(field, f"not a list but {kind(value)}", f"Send a list of {what}.")
    if not value:
        refuse(field, "an empty list", f"Send at least one of the {what}.")
    if len(value) > MOST_MESSAGES:
        refuse(field, f"{len(value):,} {what}", f"Send at most {MOST_MESSAGES:,}.")
    return value


def mapped(field: str, value: object) -> Mapping[str, Any]:
    """A field that must be an object."""
    if not isinstance(value, Mapping):
        refuse(field, f"not an object but {kind(value)}", "Send a JSON object.")
    return value


def texted(field: str, value: object) -> str:
    """A field that must be text; None is not."""
    if not isinstance(value, str):
        refuse(field, f"not text but {kind(value)}", "Send text.")
    return value


def text_or_parts(field: str, content: object, given: bool, parts: str = "content parts") -> str | list[Any]:
    """What a message says: its text, or the list of its parts. `given` says whether the field is there at all."""
    if content is None:
        refuse(field, "null" if given else "missing", f"Send the text, or a list of {parts}.")
    if not isinstance(content, str | list):
        refuse(
            field, f"neither text nor a list of {parts.split()[-1]}", f"Send the text, or a list of {parts}.", content
        )
    return content


def limit_of(body: Mapping[str, Any], *names: str) -> int | None:
    """The limit of output tokens that a body sets under the first of these names that it uses."""
    for name in names:
        value = body.get(name)
        if value is not None:
            if isinstance(value, float) and value.is_integer():
                value = int(value)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                refuse(name, "not a whole number of at least 1", "Give at least 1, or leave it out.", value)
            return value
    return None


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
