"""Bearer tokens: who is let in, who is not and why, and that nothing secret is kept or shown."""

import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pointsman.auth import bearer
from pointsman.auth.access import DEFAULT_SCOPES, FORMER_SCOPES, SCOPES, Access
from pointsman.auth.bearer import Denied, Document, check, issue, read_document, revoke, rotate, write_document
from pointsman.cli.main import cli
from pointsman.errors import Forbidden, TokensError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def let_in(name: str, *scopes: str) -> Access:
    """Who a token lets in, with the scopes that it is issued with by default."""
    return Access(name, frozenset(scopes or DEFAULT_SCOPES))


def test_a_token_lets_in_under_its_name() -> None:
    token, entry = issue("ci-runner", now=NOW)
    assert check(Document((entry,)), token, NOW) == let_in("ci-runner")


def test_only_the_hash_of_a_token_is_kept() -> None:
    token, entry = issue("ci", now=NOW)
    assert re.fullmatch(r"pm_ci_[0-9a-f]{64}", token)
    assert token.split("_")[2] not in write_document(Document((entry,)))


def test_no_two_tokens_are_alike() -> None:
    assert len({issue("ci")[0] for _ in range(200)}) == 200


@pytest.mark.parametrize("presented", [None, ""])
def test_no_token_is_missing(presented: str | None) -> None:
    assert check(Document(), presented, NOW) == Denied("missing")


@given(st.text())
def test_whatever_was_not_issued_is_unknown(presented: str) -> None:
    _, entry = issue("ci", now=NOW)
    assert check(Document((entry,)), presented, NOW) in (Denied("unknown"), Denied("missing"))


def test_a_hash_out_of_the_document_is_no_token() -> None:
    _, entry = issue("ci", now=NOW)
    assert check(Document((entry,)), entry.sha256, NOW) == Denied("unknown")


def test_a_token_of_another_name_with_the_same_secret_is_unknown() -> None:
    token, entry = issue("ci", now=NOW)
    assert check(Document((entry,)), token.replace("pm_ci_", "pm_admin_"), NOW) == Denied("unknown")


def test_expired_and_revoked_are_told_apart_for_the_log() -> None:
    token, entry = issue("ci", expires=NOW + timedelta(hours=1), now=NOW)
    document = Document((entry,))
    assert check(document, token, NOW + timedelta(minutes=59)) == let_in("ci")
    assert check(document, token, NOW + timedelta(hours=1)) == Denied("expired", "ci")
    assert check(revoke(document, "ci"), token, NOW) == Denied("revoked", "ci")


def test_two_tokens_of_a_name_are_valid_at_once_and_one_can_be_revoked() -> None:
    old, old_entry = issue("ci", now=NOW)
    new, new_entry = issue("ci", now=NOW)
    both = Document((old_entry, new_entry))
    assert check(both, old, NOW) == check(both, new, NOW) == let_in("ci")
    rotated = revoke(both, "ci", old_entry.id)
    assert check(rotated, old, NOW) == Denied("revoked", "ci")
    assert check(rotated, new, NOW) == let_in("ci")


def test_every_entry_is_compared_whatever_is_presented(monkeypatch: pytest.MonkeyPatch) -> None:
    issued = [issue(f"name-{i}", now=NOW) for i in range(20)]
    document = Document(tuple(entry for _, entry in issued))
    compared: list[int] = []

    def counted(a: str, b: str) -> bool:
        compared[-1] += 1
        return hmac.compare_digest(a, b)

    monkeypatch.setattr(bearer, "compare_digest", counted)
    for presented in (issued[0][0], issued[19][0], "pm_ci_x"):
        compared.append(0)
        check(document, presented, NOW)
    assert compared == [20, 20, 20]


@given(
    st.lists(
        st.tuples(
            st.from_regex(bearer.NAME, fullmatch=True),
            st.none() | st.datetimes(min_value=datetime(2027, 1, 1), max_value=datetime(9000, 1, 1)),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_a_document_is_read_as_it_was_written(wanted: list[tuple[str, datetime | None, bool]]) -> None:
    document = Document()
    for name, expires, revoked in wanted:
        _, entry = issue(name, expires, NOW)
        document = Document((*document.entries, entry))
        document = revoke(document, name, entry.id) if revoked else document
    assert read_document(write_document(document)) == document


def with_token(**fields: Any) -> str:
    entry = {"name": "ci", "sha256": "0" * 64, **fields}
    return json.dumps({"tokens": [entry]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", 'no list "tokens"'),
        ("null", 'no list "tokens"'),
        ('{"tokens": {}}', 'no list "tokens"'),
        ('{"tokens": ["pm_ci_secret"]}', r"tokens\[0\]: not an object"),
        ('{"tokens": [{"name": "ci"}]}', r"tokens\[0\].sha256"),
        (with_token(name="CI"), r"tokens\[0\].name"),
        (with_token(name="a_b"), r"tokens\[0\].name"),
        (with_token(name="x" * 33), r"tokens\[0\].name"),
        (with_token(name=1), r"tokens\[0\].name"),
        (with_token(sha256="0" * 63), r"tokens\[0\].sha256"),
        (with_token(sha256="A" * 64), r"tokens\[0\].sha256"),
        (with_token(revoked="yes"), r"tokens\[0\].revoked"),
        (with_token(expires="soon"), r"tokens\[0\].expires"),
        (with_token(expires=1700000000), r"tokens\[0\].expires"),
        (with_token(token="x"), r"tokens\[0\]: unknown field 'token'"),
        (json.dumps({"tokens": [{"name": n, "sha256": "0" * 64} for n in ("a", "b")]}), "listed twice"),
    ],
)
def test_a_malformed_document_is_refused_with_the_field(text: str, said: str) -> None:
    with pytest.raises(TokensError, match=said) as raised:
        read_document(text)
    assert "secret" not in raised.value.detail


def test_an_empty_document_lets_nobody_in_and_other_fields_are_passed_over() -> None:
    document = read_document('{"tokens": [], "generated": "by the stack"}')
    assert check(document, "pm_ci_x", NOW) == Denied("unknown")


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a b", "x" * 33, "é"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(TokensError, match="is no name"):
        issue(name)


def test_a_token_cannot_be_issued_for_the_past() -> None:
    with pytest.raises(TokensError, match="is past"):
        issue("ci", expires=NOW - timedelta(seconds=1), now=NOW)


def test_a_document_too_large_for_the_secret_is_refused() -> None:
    entries = tuple(issue(f"name-{i}", now=NOW)[1] for i in range(600))
    with pytest.raises(TokensError, match="Remove entries"):
        write_document(Document(entries))


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(cli, ["token", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_tokens_are_issued_listed_and_revoked_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    file = f"--file={path}"
    token, said = run("new", "ci", file)
    other, _ = run("new", "ci", "--expires=2999-01-01", file)
    document = read_document(path.read_text())
    assert check(document, token.strip(), datetime.now(UTC)) == let_in("ci")
    assert token.strip().split("_")[2] not in path.read_text() + said
    listed, _ = run("list", file)
    assert [line.split()[2] for line in listed.splitlines()] == ["valid", "valid"]
    assert "expires 2999-01-01 00:00 UTC" in listed
    run("revoke", "ci", f"--id={document.entries[0].id}", file)
    after = read_document(path.read_text())
    assert check(after, token.strip(), datetime.now(UTC)) == Denied("revoked", "ci")
    assert check(after, other.strip(), datetime.now(UTC)) == let_in("ci")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "CI"], "is no name"),
        (["new", "ci", "--expires", "soon"], "not an ISO 8601"),
        (["new", "ci", "--expires", "2001-01-01"], "is past"),
        (["list"], "no such file"),
        (["revoke", "ci"], "no such file"),
    ],
)
def test_a_command_that_cannot_be_done_writes_nothing(arguments: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(TokensError, match=said):
        CliRunner().invoke(cli, ["token", *arguments, f"--file={tmp_path / 'tokens.json'}"], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_document_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text("{")
    with pytest.raises(TokensError, match=rf"{re.escape(str(path))}: The token document is not JSON"):
        CliRunner().invoke(cli, ["token", "new", "ci", f"--file={path}"], catch_exceptions=False)
    assert path.read_text() == "{"


def test_revoking_what_is_not_there_says_what_is(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    run("new", "ci", f"--file={path}")
    with pytest.raises(TokensError, match=r"There is no token 'other'. The document has: ci [0-9a-f]{8}"):
        CliRunner().invoke(cli, ["token", "revoke", "other", f"--file={path}"], catch_exceptions=False)


def test_a_document_from_before_scopes_keeps_its_rights() -> None:
    token, entry = issue("ci", now=NOW)
    old = json.dumps({"tokens": [{"name": "ci", "sha256": entry.sha256}]})
    found = check(read_document(old), token, NOW)
    assert found == let_in("ci", *FORMER_SCOPES)
    assert isinstance(found, Access)
    assert [scope for scope in SCOPES if found.may(scope)] == ["route", "read", "read:all", "report"]
    assert json.loads(write_document(read_document(old))) == json.loads(old)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (["route"], {"route"}),
        (["read"], {"read"}),
        (["read:all"], {"read", "read:all"}),
        (["report", "route"], {"report", "route"}),
        (["admin"], set(SCOPES)),
    ],
)
def test_a_scope_allows_itself_and_what_it_holds(scopes: list[str], allowed: set[str]) -> None:
    token, entry = issue("ci", now=NOW, scopes=scopes)
    found = check(read_document(write_document(Document((entry,)))), token, NOW)
    assert isinstance(found, Access)
    for scope in SCOPES:
        if scope in allowed:
            found.need(scope)
        else:
            with pytest.raises(Forbidden, match=rf"and not {scope}\."):
                found.need(scope)


def test_who_may_read_sees_its_own_decisions_and_who_may_read_all_sees_everybodys() -> None:
    assert [let_in("ci", "read").may_see(caller) for caller in ("ci", "other", None)] == [True, False, False]
    assert all(let_in("ci", "read:all").may_see(caller) for caller in ("ci", "other", None))
    assert not let_in("ci", "report").may_see("ci")


@pytest.mark.parametrize("scopes", [[], "read", ["write"], ["Read"], [1], None])
def test_scopes_that_are_none_are_refused(scopes: Any) -> None:
    document = {"tokens": [{"name": "ci", "sha256": "0" * 64, "scopes": scopes}]}
    if scopes is None:
        assert read_document(json.dumps(document)).entries[0].scopes is None
        return
    with pytest.raises(TokensError, match="scope"):
        read_document(json.dumps(document))


@pytest.mark.parametrize("quota", [0, -1, 1.5, "10", True])
def test_a_quota_that_is_none_is_refused(quota: Any) -> None:
    with pytest.raises(TokensError, match="per_minute"):
        read_document(json.dumps({"tokens": [{"name": "ci", "sha256": "0" * 64, "per_minute": quota}]}))


def test_a_rotated_token_works_beside_the_new_one_for_the_stated_time_and_no_longer() -> None:
    old, entry = issue("ci", now=NOW, scopes=["route"], per_minute=5)
    other, beside = issue("other", now=NOW)
    new, document = rotate(Document((entry, beside)), "ci", timedelta(hours=2), NOW)
    assert check(document, new, NOW) == Access("ci", frozenset({"route"}), 5)
    assert check(document, old, NOW + timedelta(minutes=119)) == Access("ci", frozenset({"route"}), 5)
    assert check(document, old, NOW + timedelta(hours=2)) == Denied("expired", "ci")
    assert check(document, new, NOW + timedelta(days=9999)) == Access("ci", frozenset({"route"}), 5)
    assert check(document, other, NOW + timedelta(hours=3)) == let_in("other")


def test_rotating_never_lengthens_a_token_and_gives_the_new_one_the_life_of_the_old() -> None:
    old, entry = issue("ci", now=NOW, expires=NOW + timedelta(hours=1))
    new, document = rotate(Document((entry,)), "ci", timedelta(days=7), NOW + timedelta(minutes=30))
    assert check(document, old, NOW + timedelta(hours=1)) == Denied("expired", "ci")
    assert isinstance(check(document, new, NOW + timedelta(minutes=89)), Access)
    assert check(document, new, NOW + timedelta(minutes=90)) == Denied("expired", "ci")


def test_what_is_not_valid_cannot_be_rotated() -> None:
    _, entry = issue("ci", now=NOW)
    for document in (Document(), revoke(Document((entry,)), "ci")):
        with pytest.raises(TokensError, match="no valid token 'ci'"):
            rotate(document, "ci", timedelta(hours=1), NOW)


def test_scopes_rotation_and_the_default_life_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = f"--file={tmp_path / 'tokens.json'}"
    monkeypatch.setenv("POINTSMAN_TOKEN_DAYS", "90")
    run("new", "reader", "--scope=read:all", "--per-minute=30", file)
    run("new", "ci", "--expires=never", file)
    first, second = read_document((tmp_path / "tokens.json").read_text()).entries
    assert (first.scopes, first.per_minute, second.expires) == (("read:all",), 30, None)
    assert isinstance(first.expires, datetime)
    assert abs(first.expires - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=5)
    run("rotate", "ci", "--keep-hours=1", file)
    listed, _ = run("list", file)
    assert len(listed.splitlines()) == 3
    assert "read:all  30 a minute" in listed


def test_a_file_with_a_mark_is_read_and_one_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(b'\xef\xbb\xbf{"tokens": []}\r\n')
    run("list", f"--file={path}")
    path.write_bytes(b'{"tokens": [] \xff}')
    with pytest.raises(TokensError, match=r"tokens\.json: not UTF-8: byte 0xff"):
        CliRunner().invoke(cli, ["token", "list", f"--file={path}"], catch_exceptions=False)
