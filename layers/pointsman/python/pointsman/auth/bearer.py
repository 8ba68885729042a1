"""Named bearer tokens: `pm_<name>_<64 hexadecimal digits>`, of which only the sha256 is kept.

The kept document is JSON, `{"tokens": [{"name", "sha256", "scopes"?, "per_minute"?, "created"?, "expires"?,
"revoked"?}]}`; without `scopes` a token may do what it could before there were any. A plain sha256
is right because the secret is 256 random bits: nobody can go through the possibilities, however fast a hash is,
and a slow one (as for passwords, which people choose) would only delay every request. Several entries may have
one name, all valid, so that a token is replaced without a gap. The name is what a decision records as its caller.

Nothing here knows of AWS, and nothing but the standard library and ours is imported: an authorizer starts fast.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any, Literal

from pointsman.auth.access import DEFAULT_SCOPES, FORMER_SCOPES, SCOPES, Access
from pointsman.errors import TokensError
from pointsman.instants import instant_of

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
SHA256 = re.compile(r"[0-9a-f]{64}")
SECRET_BYTES = 32
FIELDS = {"name", "sha256", "scopes", "per_minute", "created", "expires", "revoked"}
# What Secrets Manager takes.
MOST_DOCUMENT_BYTES = 65_536

Reason = Literal["missing", "unknown", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a token. It is valid until `expires` (never, where None) or until it is revoked."""

    name: str
    sha256: str
    created: datetime | None = None
    expires: datetime | None = None
    revoked: bool = False
    scopes: tuple[str, ...] | None = None
    per_minute: int | None = None

    @property
    def access(self) -> Access:
        """What the token lets its bearer do."""
        return Access(self.name, frozenset(FORMER_SCOPES if self.scopes is None else self.scopes), self.per_minute)

    @property
    def id(self) -> str:
        """Tells entries of one name apart: the first digits of the hash."""
        return self.sha256[:8]

    def state(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        """What the entry is good for at an instant."""
        if self.revoked:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


@dataclass(frozen=True, slots=True)
class Document:
    """Every token that was issued and not forgotten."""

    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """The token is not good. The reason, and the name where there is one, are for the log: a client learns neither."""

    reason: Reason
    name: str | None = None


def issue(
    name: str,
    expires: datetime | None = None,
    now: datetime | None = None,
    *,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    per_minute: int | None = None,
) -> tuple[str, Entry]:
    """A new token, which is shown once, and the entry to keep of it.

    Raises:
        TokensError: the name is not 1 to 32 lower-case letters, digits and inner hyphens, a scope is none, or
            `expires` is past.
    """
    if not NAME.fullmatch(name):
        raise TokensError(f"name: {name[:64]!r} is no name. Use 1 to 32 of a-z, 0-9 and, between them, hyphens.")
    now = now or datetime.now(UTC)
    if expires is not None and _utc(expires) <= now:
        raise TokensError(f"expires: {_utc(expires).isoformat()} is past. Give a later time, or leave it out.")
    token = f"pm_{name}_{secrets.token_hex(SECRET_BYTES)}"
    created = now.replace(microsecond=0)
    known = _scopes("scopes", list(dict.fromkeys(scopes)))
    entry = Entry(
        name,
        hash_of(token),
        created,
        expires and _utc(expires),
        scopes=known,
        per_minute=_quota("per_minute", per_minute),
    )
    return token, entry


def check(document: Document, presented: str | None, now: datetime) -> Access | Denied:
    """Whether a token may enter at an instant; every entry is compared, in the same time, whatever was presented."""
    if not presented:
        return Denied("missing")
    found: Entry | None = None
    presented_hash = hash_of(presented)
    for entry in document.entries:
        if compare_digest(entry.sha256, presented_hash):
            found = entry
    if found is None:
        return Denied("unknown")
    state = found.state(now)
    return found.access if state == "valid" else Denied(state, found.name)


def hash_of(token: str) -> str:
    """The sha256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def revoke(document: Document, name: str, entry_id: str | None = None) -> Document:
    """The document with the tokens of a name revoked, or with one of them, by its id.

    Raises:
        TokensError: there is none.
    """
    chosen = [e for e in document.entries if e.name == name and entry_id in (None, e.id)]
    if not chosen:
        which = f"{name!r} with the id {entry_id!r}" if entry_id else f"{name!r}"
        known = ", ".join(f"{e.name} {e.id}" for e in document.entries) or "none"
        raise TokensError(f"There is no token {which}. The document has: {known}.")
    return Document(tuple(replace(e, revoked=True) if e in chosen else e for e in document.entries))


def rotate(document: Document, name: str, keep: timedelta, now: datetime | None = None) -> tuple[str, Document]:
    """A new token of a name with the rights of its newest, and the document in which the old ones expire after `keep`.

    Where the newest expires by itself, the new one lasts as long as that one was made for.

    Raises:
        TokensError: no token of this name is valid now.
    """
    now = now or datetime.now(UTC)
    old = [entry for entry in document.entries if entry.name == name and entry.state(now) == "valid"]
    if not old:
        raise TokensError(f"There is no valid token {name!r} to rotate. Issue one: pointsman token new {name}.")
    last, until = old[-1], (now + keep).replace(microsecond=0)
    lasts = last.expires - last.created if last.expires and last.created else None
    expires = now.replace(microsecond=0) + lasts if lasts else last.expires
    scopes = FORMER_SCOPES if last.scopes is None else last.scopes
    token, fresh = issue(name, expires, now, scopes=scopes, per_minute=last.per_minute)
    ending = [
        replace(entry, expires=min(entry.expires or until, until)) if entry in old else entry
        for entry in document.entries
    ]
    return token, Document((*ending, fresh))


def read_document(text: str) -> Document:
    """The document that a text holds; other fields beside `tokens` are passed over, unknown ones of a token are not.

    Raises:
        TokensError: it is not one; says which token and field, and never shows a value that may be secret.
    """
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise TokensError('The token document is not JSON. Write {"tokens": []} and add to it.') from None
    listed = document.get("tokens") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise TokensError('The token document has no list "tokens". Write {"tokens": []} and add to it.')
    entries = tuple(_entry(i, fields) for i, fields in enumerate(listed))
    if len({entry.sha256 for entry in entries}) < len(entries):
        raise TokensError("tokens: one sha256 is listed twice. Leave one of the two entries.")
    return Document(entries)


def write_document(document: Document) -> str:
    """The text of a document, as `read_document` takes it.

    Raises:
        TokensError: it is larger than Secrets Manager takes.
    """
    listed = [
        {
            "name": entry.name,
            "sha256": entry.sha256,
            **({} if entry.created is None else {"created": _iso(entry.created)}),
            **({} if entry.expires is None else {"expires": _iso(entry.expires)}),
            **({"revoked": True} if entry.revoked else {}),
            **({} if entry.scopes is None else {"scopes": list(entry.scopes)}),
            **({} if entry.per_minute is None else {"per_minute": entry.per_minute}),
        }
        for entry in document.entries
    ]
    text = json.dumps({"tokens": listed}, indent=1) + "\n"
    if len(text) > MOST_DOCUMENT_BYTES:
        raise TokensError(
            f"The token document has {len(text):,} bytes; Secrets Manager takes {MOST_DOCUMENT_BYTES:,}. "
            "Remove entries that are expired or revoked."
        )
    return text


def _entry(index: int, fields: Any) -> Entry:
    where = f"tokens[{index}]"
    if not isinstance(fields, Mapping):
        raise TokensError(f"{where}: not an object. Write name and sha256.")
    if unknown := sorted(set(fields) - FIELDS):
        raise TokensError(f"{where}: unknown field {str(unknown[0])[:32]!r}. Use {', '.join(sorted(FIELDS))}.")
    name, sha256, revoked = fields.get("name"), fields.get("sha256"), fields.get("revoked", False)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise TokensError(f"{where}.name: not a name. Use 1 to 32 of a-z, 0-9 and, between them, hyphens.")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise TokensError(f"{where}.sha256: not 64 lower-case hexadecimal digits. Issue the token of {name} again.")
    if not isinstance(revoked, bool):
        raise TokensError(f"{where}.revoked: neither true nor false.")
    created, expires = (_instant(f"{where}.{field}", fields.get(field)) for field in ("created", "expires"))
    scopes = None if fields.get("scopes") is None else _scopes(f"{where}.scopes", fields["scopes"])
    return Entry(
        name, sha256, created, expires, revoked, scopes, _quota(f"{where}.per_minute", fields.get("per_minute"))
    )


def _scopes(where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise TokensError(f"{where}: not a list of scopes. Use some of {', '.join(SCOPES)}.")
    for scope in value:
        if scope not in SCOPES:
            raise TokensError(f"{where}: {str(scope)[:32]!r} is no scope. Use some of {', '.join(SCOPES)}.")
    return tuple(value)


def _quota(where: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise TokensError(f"{where}: not a whole number of at least 1. Leave it out for no quota of its own.")
    return value


def _instant(where: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return _utc(instant_of(value))
    except (TypeError, ValueError, OverflowError):
        raise TokensError(f"{where}: not an ISO 8601 time. Write one such as 2027-01-31T00:00:00Z.") from None


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
