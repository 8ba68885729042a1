"""The document of the bearer tokens: how it is written and read, and what is said of each fault in it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pointsman.auth import bearer
from pointsman.auth.access import FORMER_SCOPES, Access
from pointsman.auth.bearer import Denied, Document, check, issue, read_document, revoke, rotate, write_document
from pointsman.errors import TokensError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOW_TO_NAME = "Use 1 to 32 of a-z, 0-9 and, between them, hyphens."
SOME_SCOPES = "Use some of route, read, read:all, report, admin."


def with_token(**fields: Any) -> str:
    return json.dumps({"tokens": [{"name": "ci", "sha256": "0" * 64, **fields}]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", 'The token document is not JSON. Write {"tokens": []} and add to it.'),
        ("[]", 'The token document has no list "tokens". Write {"tokens": []} and add to it.'),
        ('{"tokens": [1]}', "tokens[0]: not an object. Write name and sha256."),
        (
            with_token(**{"x" * 33: 1}),
            f"tokens[0]: unknown field '{'x' * 32}'. Use created, expires, name, per_minute, revoked, scopes, sha256.",
        ),
        (with_token(name="CI"), f"tokens[0].name: not a name. {HOW_TO_NAME}"),
        (
            with_token(sha256=0),
            "tokens[0].sha256: not 64 lower-case hexadecimal digits. Issue the token of ci again.",
        ),
        (with_token(revoked=1), "tokens[0].revoked: neither true nor false."),
        (
            with_token(created="soon"),
            "tokens[0].created: not an ISO 8601 time. Write one such as 2027-01-31T00:00:00Z.",
        ),
        (
            with_token(expires=1),
            "tokens[0].expires: not an ISO 8601 time. Write one such as 2027-01-31T00:00:00Z.",
        ),
        (with_token(scopes=[]), f"tokens[0].scopes: not a list of scopes. {SOME_SCOPES}"),
        (with_token(scopes=["route", "y" * 33]), f"tokens[0].scopes: '{'y' * 32}' is no scope. {SOME_SCOPES}"),
        (
            with_token(per_minute=0),
            "tokens[0].per_minute: not a whole number of at least 1. Leave it out for no quota of its own.",
        ),
        (
            json.dumps({"tokens": [{"name": "ci", "sha256": "0" * 64}] * 2}),
            "tokens: one sha256 is listed twice. Leave one of the two entries.",
        ),
        (
            json.dumps({"tokens": [{"name": "ci", "sha256": "0" * 64}, {"name": "", "sha256": "1" * 64}]}),
            f"tokens[1].name: not a name. {HOW_TO_NAME}",
        ),
    ],
)
def test_a_fault_of_the_document_says_where_it_is_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(TokensError) as raised:
        read_document(text)
    assert raised.value.detail == said


def test_what_cannot_be_issued_or_revoked_is_said_with_what_to_do() -> None:
    _, entry = issue("ci", now=NOW)
    document = Document((entry, replace(entry, name="cd", sha256="1" * 64)))
    faults: list[tuple[Callable[[], object], str]] = [
        (lambda: issue("A" * 65), f"name: '{'A' * 64}' is no name. {HOW_TO_NAME}"),
        (
            lambda: issue("ci", datetime(2026, 6, 1, 12), NOW),
            "expires: 2026-06-01T12:00:00+00:00 is past. Give a later time, or leave it out.",
        ),
        (lambda: issue("ci", scopes=["write"]), f"scopes: 'write' is no scope. {SOME_SCOPES}"),
        (lambda: issue("ci", scopes=[]), f"scopes: not a list of scopes. {SOME_SCOPES}"),
        (
            lambda: issue("ci", per_minute=0),
            "per_minute: not a whole number of at least 1. Leave it out for no quota of its own.",
        ),
        (lambda: revoke(Document(), "ci"), "There is no token 'ci'. The document has: none."),
        (
            lambda: revoke(document, "ci", "abc"),
            f"There is no token 'ci' with the id 'abc'. The document has: ci {entry.sha256[:8]}, cd 11111111.",
        ),
        (
            lambda: rotate(document, "cx", timedelta(hours=1), NOW),
            "There is no valid token 'cx' to rotate. Issue one: pointsman token new cx.",
        ),
    ]
    for fault, said in faults:
        with pytest.raises(TokensError) as raised:
            fault()
        assert raised.value.detail == said


def test_an_entry_holds_when_it_was_made_to_the_second_and_what_it_may() -> None:
    instant = NOW.replace(microsecond=5)
    token, entry = issue("ci", datetime(2026, 7, 1), instant, scopes=["report", "read", "report"], per_minute=1)
    assert entry == bearer.Entry(
        "ci",
        hashlib.sha256(token.encode()).hexdigest(),
        created=NOW,
        expires=datetime(2026, 7, 1, tzinfo=UTC),
        scopes=("report", "read"),
        per_minute=1,
    )
    assert issue("ci", scopes=["route"])[1].created is not None
    before = datetime.now(UTC).replace(microsecond=0)
    assert before <= (issue("ci")[1].created or NOW) <= datetime.now(UTC)


def test_the_document_is_written_as_it_is_documented() -> None:
    paris = timezone(timedelta(hours=2))
    entries = (
        bearer.Entry("ci", "0" * 64),
        bearer.Entry("cd", "1" * 64, NOW, datetime(2026, 7, 1, 2, tzinfo=paris).astimezone(UTC), True, ("route",), 7),
    )
    text = write_document(Document(entries))
    assert json.loads(text) == {
        "tokens": [
            {"name": "ci", "sha256": "0" * 64},
            {
                "name": "cd",
                "sha256": "1" * 64,
                "created": "2026-06-01T12:00:00Z",
                "expires": "2026-07-01T00:00:00Z",
                "revoked": True,
                "scopes": ["route"],
                "per_minute": 7,
            },
        ]
    }
    # One field a line: two versions of it can be compared.
    assert text.startswith('{\n "tokens": [\n  {\n   "name": "ci",\n')
    assert text.endswith("}\n")
    assert read_document(text) == Document(entries)


def test_a_mark_that_an_editor_puts_first_is_passed_over() -> None:
    assert read_document("\ufeff" + with_token()) == read_document(with_token())


@pytest.mark.usefixtures("in_tokyo")
def test_times_of_any_zone_are_read_and_one_without_a_zone_is_utc() -> None:
    (entry,) = read_document(with_token(created="2026-06-01T14:00:00+02:00", expires="2026-06-01T12:00:00")).entries
    assert (entry.created, entry.expires) == (NOW, NOW)
    assert entry.created is not None
    assert entry.created.tzinfo is UTC


def test_a_document_may_be_as_large_as_secrets_manager_takes_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    document = Document((bearer.Entry("ci", "0" * 64),))
    size = len(write_document(document))
    monkeypatch.setattr(bearer, "MOST_DOCUMENT_BYTES", size)
    assert len(write_document(document)) == size
    monkeypatch.setattr(bearer, "MOST_DOCUMENT_BYTES", size - 1)
    with pytest.raises(TokensError) as raised:
        write_document(document)
    assert raised.value.detail == (
        f"The token document has {size} bytes; Secrets Manager takes {size - 1}. "
        "Remove entries that are expired or revoked."
    )


def test_what_is_no_text_at_all_is_an_unknown_token() -> None:
    _, entry = issue("ci", now=NOW)
    assert check(Document((entry,)), "pm_ci_\ud800", NOW) == Denied("unknown")


def test_revoking_one_of_a_name_leaves_the_others_and_revoking_the_name_takes_all() -> None:
    entries = [issue(name, now=NOW)[1] for name in ("ci", "ci", "cd")]
    states = [e.state(NOW) for e in revoke(Document(tuple(entries)), "ci").entries]
    assert states == ["revoked", "revoked", "valid"]
    # An id of another name's token is none of this name.
    with pytest.raises(TokensError, match="no token 'ci' with the id"):
        revoke(Document(tuple(entries)), "ci", entries[2].id)


def test_rotating_follows_the_newest_token_of_a_name() -> None:
    later = NOW.replace(microsecond=7)
    old = issue("ci", NOW + timedelta(days=1), NOW, scopes=["route"], per_minute=1)[1]
    former = replace(issue("ci", NOW + timedelta(days=9), NOW)[1], scopes=None, per_minute=3, created=None)
    gone = replace(issue("ci", NOW + timedelta(days=5), NOW)[1], revoked=True)
    token, document = rotate(Document((old, former, gone)), "ci", timedelta(days=2), later)
    first, second, third, fresh = document.entries
    # Each old one ends after two days, or by itself before; what was revoked stays as it was.
    assert (first.expires, second.expires) == (NOW + timedelta(days=1), NOW + timedelta(days=2))
    assert third == gone
    assert check(document, token, later) == Access("ci", frozenset(FORMER_SCOPES), 3)
    # How long the newest was made for is not known: the new one ends when that one did.
    assert fresh.expires == NOW + timedelta(days=9)
    made = issue("ci", NOW + timedelta(days=9), NOW)[1]
    fresh = rotate(Document((made,)), "ci", timedelta(days=2), later + timedelta(days=1))[1].entries[-1]
    assert fresh.expires == NOW + timedelta(days=10)


def test_rotating_counts_from_now_unless_a_time_is_given() -> None:
    _, entry = issue("ci")
    _, document = rotate(Document((entry,)), "ci", timedelta(hours=1))
    old, fresh = document.entries
    assert old.expires is not None
    assert timedelta(minutes=59) < old.expires - datetime.now(UTC) <= timedelta(hours=1)
    assert fresh.expires is None


def test_an_entry_is_known_by_the_first_eight_digits_of_its_hash() -> None:
    assert bearer.Entry("ci", "0123456789" + "a" * 54).id == "01234567"
