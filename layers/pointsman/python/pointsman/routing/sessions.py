"""Sessions: what a conversation remembers from one turn to the next, under a key that says nothing.

A session is known by the id that its caller gives, or by what stays the same through it: tools, system and the first
message of the user. Either is hashed with a key and the caller's own name, so that nobody comes upon another's session
and the store tells nothing of a conversation. One read and one write a turn; whatever the store does, a request is
answered.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b, sha256
from typing import Any, TypeVar

import orjson

from pointsman.dialects.request import Request
from pointsman.errors import shortened
from pointsman.history.expiring import Expiring
from pointsman.registry import ModelAtEffort, Registry, RouterConfig
from pointsman.routing.caching import Kept, Turn
from pointsman.routing.deciding import Given
from pointsman.settings import Settings

T = TypeVar("T")

MOST_KEPT = 4
LEFT_ALONE_S = 2.0
_VERSION = 1

log = logging.getLogger("pointsman.sessions")


@dataclass(frozen=True)
class Session:
    """A conversation so far: the candidate of its last turn, its turns and tokens, and what caches hold by model."""

    held: str
    turns: int
    tokens: int
    at: float
    kept: Mapping[str, Kept] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The session as the store keeps it."""
        kept = {model_id: list(one) for model_id, one in self.kept.items()}
        return orjson.dumps([_VERSION, self.held, self.turns, self.tokens, self.at, kept])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Session | None":
        """A stored session; None for what is none, such as a newer version's."""
        try:
            version, held, turns, tokens, at, kept = orjson.loads(data)
            if version != _VERSION or not isinstance(held, str):
                return None
            return cls(held, int(turns), int(tokens), float(at), {name: Kept(*row) for name, row in kept.items()})
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass
class Sessions:
    """Sessions in a store. `secret` keys the hashes; `ttl_s` is how long a conversation is remembered when it rests.

    A store that fails is left alone for a while, so that not every request waits for it.
    """

    store: Expiring
    secret: bytes
    ttl_s: int
    _left_alone_until: float = 0.0

    def conversation(
        self, body: Request, config: str, sticky: str, *, caller: str | None, given: str | None
    ) -> "Conversation | None":
        """The conversation of a request under a config; None where it has none, or none is wanted.

        A bare prompt without an id is no conversation: nothing tells the next one from a question asked twice.
        """
        if sticky == "never" or not self.ttl_s or (given is None and body.dialect is None):
            return None
        kind, said = ("stable", body.stable) if given is None else ("given", given)
        key = self.hashed("session", caller or "", config, kind, said)
        return Conversation(self, key, given, sticky, self.recall(key))

    def hashed(self, kind: str, *parts: str) -> str:
        """A key of the store that says nothing of its parts but their kind."""
        text = "\x00".join((kind, *parts))
        hashed = blake2b(text.encode(errors="surrogatepass"), digest_size=16, key=self.secret)
        return f"{kind}#{hashed.hexdigest()}"

    def recall(self, key: str) -> Session | None:
        """What is known of a conversation; None where nothing is, or the store does not say."""
        data = self.ask(lambda: self.store.get(key))
        return None if data is None else Session.from_bytes(data)

    def remember(self, key: str, session: Session) -> None:
        """Keep what is known of a conversation, if the store lets us."""
        data = session.to_bytes()
        self.ask(lambda: self.store.put(key, data, self.ttl_s))

    def ask(self, question: Callable[[], T]) -> T | None:
        """What the store answers; None where it cannot, or has just shown that it cannot."""
        if time.monotonic() < self._left_alone_until:
            return None
        try:
            return question()
        except Exception as error:
            self._left_alone_until = time.monotonic() + LEFT_ALONE_S
            log.warning("sessions are not remembered for %g s: %s", LEFT_ALONE_S, error)
            return None


@dataclass(frozen=True)
class Conversation:
    """The conversation of one request, and what is known of it so far."""

    sessions: Sessions
    key: str
    given: str | None
    sticky: str
    known: Session | None

    def turn(self, body: Request, tokens: int, now: float) -> Turn:
        """The request, of so many tokens, as the next turn; `now` in seconds since 1970."""
        known = self.known
        begun = Turn(body.whole, tokens, now, body.marked_chars, body.cache_s)
        if known is None:
            return begun
        return replace(
            begun,
            kept=known.kept,
            held=known.held,
            turns=known.turns,
            gap_s=max(0.0, now - known.at),
            grown=max(0, tokens - known.tokens),
        )

    def remember(self, turn: Turn, chosen: ModelAtEffort) -> None:
        """Keep that a candidate was chosen for a turn."""
        kept = dict(self.known.kept) if self.known is not None else {}
        # What was used last stands last.
        kept.pop(chosen.model_id, None)
        if (now_kept := turn.keeps(chosen)) is not None:
            kept[chosen.model_id] = now_kept
        for oldest in list(kept)[:-MOST_KEPT]:
            del kept[oldest]
        session = Session(chosen.candidate_id, turn.turns + 1, turn.tokens, turn.now, kept)
        self.sessions.remember(self.key, session)

    def told(self) -> dict[str, Any]:
        """What a decision says of its conversation before anything is chosen."""
        known = self.known
        return {
            "id": self.given,
            "turn": (known.turns if known is not None else 0) + 1,
            "sticky": self.sticky,
            "held": None if known is None else known.held,
        }


def given_of(
    body: Request, config: RouterConfig, registry: Registry, conversation: Conversation | None
) -> Given | None:
    """The candidate that is taken without choosing: the config's default where the text was withheld, or what holds
    a conversation that always stays."""
    if body.is_withheld:
        withheld = f"the text was withheld ({shortened(body.current.strip())}), so nothing was judged"
        said = f"{withheld[0].upper()}{withheld[1:]}."
        if config.default_model is None:
            return Given(None, "default", "", f"{said} The config {config.name!r} has no default_model.")
        default = registry.candidate(config.default_model).candidate_id
        why = f"{withheld}, and this is the default of {config.name!r}."
        return Given(default, "default", why, f"{said} The default, {default}, cannot serve it.")
    if conversation is not None and conversation.sticky == "always" and conversation.known is not None:
        held = conversation.known.held
        return Given(held, "session", "it has answered this conversation so far, which always stays.")
    return None


def sessions_of(store: Expiring, settings: Settings) -> Sessions:
    """Sessions in a store, as the settings say."""
    secret = sha256(f"pointsman sessions {settings.hash_key}".encode()).digest()
    return Sessions(store, secret, settings.session_ttl_s)
