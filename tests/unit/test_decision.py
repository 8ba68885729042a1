"""Decisions: their ids sort by time, and a prompt is kept as much as was asked for."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pointsman.history.base import FIRST_ID, first_id
from pointsman.history.ids import Ids, timestamp
from pointsman.history.prompts import ELISION, KEPT_BYTES, kept_prompt
from pointsman.routing.explanation import Beside, explain
from pointsman.routing.policy import Choice, Reason
from pointsman.settings import StorePrompts
from ulid import ULID

NOW = datetime(2026, 11, 22, 23, 31, 48, 123456, tzinfo=UTC)


def test_ids_rise_strictly_even_within_a_millisecond_or_when_the_clock_goes_back() -> None:
    ids = Ids()
    instants = [
        NOW,
        NOW,
        NOW,
        NOW + timedelta(milliseconds=1),
        NOW - timedelta(seconds=0.5),
        NOW + timedelta(seconds=1),
    ]
    made = [ids.next(instant) for instant in instants]
    assert made == sorted(set(made))


def test_an_instant_without_a_zone_is_utc() -> None:
    assert first_id(NOW.replace(tzinfo=None)) == first_id(NOW)
    assert first_id(datetime(1, 1, 1)) == first_id(datetime(1970, 1, 1))
    assert first_id(NOW) <= Ids().next(NOW) < first_id(NOW + timedelta(milliseconds=1))


@pytest.mark.usefixtures("in_tokyo")
def test_a_timestamp_is_utc_with_milliseconds() -> None:
    assert timestamp(NOW) == "2026-11-22T23:31:48.123Z"
    paris = timezone(timedelta(hours=1))
    assert timestamp(datetime(2026, 11, 23, 0, 31, 48, 123999, tzinfo=paris)) == "2026-11-22T23:31:48.123Z"


def test_a_short_prompt_is_kept_whole_with_its_identity() -> None:
    kept = kept_prompt("héllo", "héllo", StorePrompts.FULL)
    assert kept.prompt == "héllo"
    assert kept.prompt_bytes == 6
    assert kept.prompt_sha256 == hashlib.sha256("héllo".encode()).hexdigest()


def test_a_long_prompt_keeps_head_and_tail_and_no_broken_character() -> None:
    prompt = "a" + "好" * 100_000 + "end"
    kept = kept_prompt(prompt, "", StorePrompts.FULL)
    assert kept.prompt is not None
    head, tail = kept.prompt.split(ELISION)
    assert prompt.startswith(head)
    assert prompt.endswith(tail)
    assert KEPT_BYTES - 8 < len(head.encode()) + len(tail.encode()) <= KEPT_BYTES
    assert kept.prompt_bytes == len(prompt.encode())


def test_only_the_view_or_only_the_hash_may_be_kept() -> None:
    assert kept_prompt("long prompt", "view", StorePrompts.VIEW).prompt == "view"
    hashed = kept_prompt("secret", "secret", StorePrompts.HASH)
    assert hashed.prompt is None
    assert hashed.prompt_sha256 == hashlib.sha256(b"secret").hexdigest()


def chosen(expected: float, reason: Reason, asked: float | None = None) -> Choice:
    """A choice of the first candidate."""
    return Choice((0,), expected, expected if asked is None else asked, 1.0, None, reason)


def test_the_explanation_of_a_cautious_choice_tells_the_lower_bound() -> None:
    assert explain(["acme/a"], chosen(0.9, "threshold", asked=0.72), 0.7, 0.05, 1.5, 2) == (
        "acme/a is the cheapest choice of 2 candidates that clears the completion threshold: "
        "90% expected, 72% at a caution of 1.5, 70% asked for."
    )


def test_the_explanation_says_what_more_money_would_have_bought() -> None:
    def said(beside: Beside, reason: Reason = "threshold") -> str:
        return explain(["acme/a"], chosen(0.8, reason), 0.7, 0.05, 0, 9, worth_usd=0.1, beside=beside).split(". ")[-1]

    assert said(Beside("high", "medium", 0.82, 4.12)) == (
        "Medium effort clears 70%; high would cost 4.1 times as much for 2 points."
    )
    assert said(Beside("low", "none", 0.806, 25.5)) == (
        "Without reasoning it clears 70%; low would cost 26 times as much for 1 point."
    )
    assert said(Beside("high", "low", 0.803, 2.0), "value") == (
        "That is at low effort; high would cost 2 times as much for less than a point."
    )
    assert said(Beside("acme/best", None, 0.95, 1.01)) == "The strongest, acme/best, would cost as much for 15 points."


def test_the_explanation_of_a_choice_by_worth_says_the_worth() -> None:
    assert explain(["acme/a"], chosen(0.8, "value"), 0.0, 0.05, 0, 9, worth_usd=0.25, within=0.03) == (
        "acme/a is worth the most of 9 candidates where a completed request is worth $0.25: 80% expected, "
        "at most 3 points below the best candidate."
    )
    assert "80% expected, 75% asked for." in explain(["acme/a"], chosen(0.8, "value"), 0.75, 0.05, 0, 9, worth_usd=0.25)
    assert explain(["acme/a"], chosen(0.8, "fallback"), 0.9, 0.05, 0, 9, worth_usd=0.25) == (
        "No choice of 9 candidates clears the completion threshold of 90%; acme/a is worth the most within 5 points "
        "of the best: 80% expected."
    )


def test_the_explanation_says_what_was_chosen_among_how_many_and_why() -> None:
    assert explain(["acme/a"], chosen(0.8312, "threshold"), 0.7, 0.05, 0, 33) == (
        "acme/a is the cheapest choice of 33 candidates that clears the completion threshold: "
        "83% expected, 70% asked for."
    )
    assert explain(["acme/a", "acme/b"], chosen(0.61, "fallback"), 0.7, 0.05, 0, 2) == (
        "No choice of 2 candidates clears the completion threshold of 70%; acme/a with acme/b are together "
        "the cheapest within 5 points of the best: 61% expected."
    )


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(hours=1), timedelta(seconds=2)])
def test_a_clock_that_jumped_ahead_and_came_back_leaves_no_trace_in_ids(jump: timedelta) -> None:
    ids = Ids()
    made = [ids.next(NOW), ids.next(NOW + jump)]
    for step in range(200):
        clock = NOW + timedelta(milliseconds=step // 3)
        made.append(ids.next(clock))
        assert abs(ULID.from_str(made[-1]).milliseconds - clock.timestamp() * 1000) <= 1000
    assert len(set(made)) == len(made)
    assert made[2:] == sorted(made[2:])


def test_a_clock_that_is_set_back_a_little_keeps_the_order_of_ids() -> None:
    ids = Ids()
    made = [ids.next(NOW + timedelta(milliseconds=offset)) for offset in (900, 0, 500, 899, 900, 901)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_clock_before_1970_or_far_ahead_still_gives_ids() -> None:
    for year in (1960, 9999):
        assert ULID.from_str(Ids().next(NOW.replace(year=year)))
    assert ULID.from_str(Ids().next(NOW.replace(year=1960))).milliseconds == 0
    assert first_id(NOW.replace(year=1960)) == FIRST_ID


def test_ids_follow_one_another_until_the_clock_is_set_back_by_more_than_a_second() -> None:
    ids = Ids()
    first = int(ULID.from_str(ids.next(NOW)))
    for number, back in enumerate((0, 1, 1000), start=1):
        assert int(ULID.from_str(ids.next(NOW - timedelta(milliseconds=back)))) == first + number
    behind = NOW - timedelta(milliseconds=1001)
    assert ULID.from_str(ids.next(behind)).milliseconds == int(behind.timestamp() * 1000)


def test_a_keyed_hash_tells_nobody_without_the_key_what_was_asked() -> None:
    plain = kept_prompt("yes", "yes", StorePrompts.HASH)
    keyed, again = (kept_prompt("yes", "yes", StorePrompts.HASH, key) for key in ("a secret", "a secret"))
    other = kept_prompt("yes", "yes", StorePrompts.HASH, "another")
    assert keyed == again
    assert len({plain.prompt_sha256, keyed.prompt_sha256, other.prompt_sha256}) == 3
    assert plain.prompt_sha256 == hashlib.sha256(b"yes").hexdigest()
    assert keyed.prompt_sha256 == hmac.new(b"a secret", b"yes", "sha256").hexdigest()
