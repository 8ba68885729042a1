"""What a caller may do: scopes, the same whatever let the caller in.

    route     ask for decisions
    read      see the caller's own decisions
    read:all  see everybody's
    report    say what really happened with a decision
    admin     all of that, and delete and export

What is in the registry, and that the service is alive, is told to whoever is let in at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pointsman.errors import Forbidden

SCOPES = ("route", "read", "read:all", "report", "admin")
DEFAULT_SCOPES = ("route", "read", "report")
# What a token could do before there were scopes.
FORMER_SCOPES = ("route", "read:all", "report")


@dataclass(frozen=True, slots=True)
class Access:
    """Who was let in, and what for. `name` is the caller that decisions record; None where nobody was asked."""

    name: str | None
    scopes: frozenset[str] = frozenset(SCOPES)
    per_minute: int | None = None

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope, or one that holds it."""
        return bool(self.scopes & ({scope, "admin"} | ({"read:all"} if scope == "read" else set())))

    def need(self, scope: str) -> None:
        """Raise Forbidden unless the caller has a scope."""
        if not self.may(scope):
            raise Forbidden(
                f"This token has the scopes {', '.join(sorted(self.scopes)) or '(none)'} and not {scope}. "
                f"Use one that has it: pointsman token new NAME --scope {scope}."
            )

    def may_see(self, caller: str | None) -> bool:
        """Whether the caller may see a decision that was made for `caller`."""
        return self.may("read:all") or (self.may("read") and caller == self.name)


EVERYTHING = Access(None)


def scopes_of(words: Iterable[str]) -> frozenset[str]:
    """The scopes among words; others, of other services, are passed over."""
    return frozenset(word for word in words if word in SCOPES)
