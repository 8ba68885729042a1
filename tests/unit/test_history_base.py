"""What every store of decisions shares: summaries, filters, cursors, and the ids that stand for times."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pointsman.errors import InvalidCursor, RequestError
from pointsman.history.base import (
    Filter,
    decode_cursor,
    encode_cursor,
    expiry,
    first_id,
    listed_under,
    model_of,
    no_such_decision,
    summary_of,
)
from ulid import ULID

ID = "01KAQ3V9ZC8M0Y6W2N4T7R5B1D"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECISION: dict[str, Any] = {
    "id": ID,
    "ts": "2025-11-23T01:10:09.636Z",
    "caller": "ci",
    "config": "auto",
    "selected": ["acme/a@low", "acme/b", "acme/a@high"],
    "expected_quality": 0.9,
    "cost": 0.01,
    "reason": "threshold",
    "strongest": {"model_id": "acme/c", "cost": 0.1},
    "prompt": "What is\n\n 1+1?",
    "candidates": [{"mu": 0.9}],
}


def test_a_summary_is_what_a_list_shows_and_nothing_more() -> None:
    kept = {name: value for name, value in DECISION.items() if name not in ("prompt", "candidates")}
    assert summary_of(DECISION) == {**kept, "prompt_preview": "What is 1+1?"}
    assert summary_of({**DECISION, "prompt": None})["prompt_preview"] is None
    assert summary_of({**DECISION, "prompt": ""})["prompt_preview"] == ""


def test_a_preview_is_the_beginning_of_the_prompt_without_its_runs_of_blanks() -> None:
    def preview(prompt: str) -> Any:
        return summary_of({**DECISION, "prompt": prompt})["prompt_preview"]

    assert preview("ab " * 100) == ("ab " * 100)[:160]
    assert preview(" " * 639 + "word") == "w"  # no more than 640 characters are looked at
    assert preview(" " * 640 + "word") == ""


def test_a_decision_is_listed_under_its_candidates_and_their_models_once_each() -> None:
    assert listed_under(DECISION) == ["acme/a@low", "acme/b", "acme/a@high", "acme/a"]
    assert model_of("acme/a@low@x") == "acme/a"


def test_a_stretch_of_time_that_ends_before_it_begins_is_refused_with_what_to_do() -> None:
    before = NOON - timedelta(seconds=1)
    with pytest.raises(RequestError) as raised:
        Filter(since=NOON, until=before)
    (fault,) = raised.value.faults
    assert (fault.field, fault.message, fault.remedy, fault.value) == (
        "until",
        "before since, 2026-03-01T12:00:00+00:00",
        "Exchange the two, or leave one out.",
        "2026-03-01T11:59:59+00:00",
    )
    assert raised.value.detail == f"until: {fault.message}. {fault.remedy}"


@pytest.mark.usefixtures("in_tokyo")
def test_the_ends_of_a_stretch_of_time_may_be_one_and_without_a_zone_are_utc() -> None:
    paris = timezone(timedelta(hours=1))
    for since, until in [
        (NOON, NOON),
        (NOON.replace(tzinfo=None), NOON),
        (NOON, NOON.replace(tzinfo=None)),
        (datetime(2026, 3, 1, 13, tzinfo=paris), NOON.replace(tzinfo=None)),
        (NOON, None),
        (None, NOON),
    ]:
        Filter(since=since, until=until)
    with pytest.raises(RequestError, match="before since"):
        Filter(since=NOON.replace(tzinfo=None), until=datetime(2026, 3, 1, 12, 30, tzinfo=paris))


def cursor_of(document: object) -> str:
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_holds_its_version_and_the_id_that_a_page_begins_behind() -> None:
    assert encode_cursor(ID) == cursor_of({"v": 1, "before": ID})
    assert decode_cursor(encode_cursor(ID)) == ID


@pytest.mark.parametrize(
    "cursor",
    [
        cursor_of({"v": 2, "before": ID}),
        cursor_of({"v": 1, "before": ID.lower()}),
        cursor_of({"v": 1, "before": 7}),
        cursor_of({"v": 1, "before": None}),
        cursor_of({"v": 1, "before": "Z" * 26}),
        cursor_of({"v": 1, "before": ID[:-1]}),
        cursor_of({"v": 1}),
        cursor_of({"before": ID}),
        cursor_of({"before": ID, "v": 1}),
        cursor_of({"v": 1, "before": ID, "more": 1}),
        cursor_of(json.dumps({"v": 1, "before": ID})),
        cursor_of([1]),
        cursor_of("[" * 100_000),
        encode_cursor(ID) + "=",
        encode_cursor(ID) + "\n",
        "ü",
        "!",
        "A",
    ],
)
def test_only_what_a_page_gave_is_a_cursor(cursor: str) -> None:
    with pytest.raises(InvalidCursor) as raised:
        decode_cursor(cursor)
    told = f"{cursor[:64]!r} was not made by this API. Use the `next` of a page, or leave it out."
    assert raised.value.detail == f"cursor: {told}"


def test_a_decision_expires_so_many_days_after_it_was_made() -> None:
    made = ULID.from_str(ID).milliseconds
    assert expiry(ID, 0) is None
    assert expiry(ID, 1) == made // 1000 + 86_400
    assert expiry(ID, 30) == made // 1000 + 30 * 86_400


@pytest.mark.usefixtures("in_tokyo")
def test_the_first_id_of_an_instant_holds_its_milliseconds_and_nothing_else() -> None:
    instant = NOON + timedelta(milliseconds=123)
    lowest = ULID.from_str(first_id(instant))
    assert lowest.milliseconds == round(instant.timestamp() * 1000)
    assert int(lowest) % 2**80 == 0
    assert first_id(instant.replace(tzinfo=None)) == str(lowest)
    assert first_id(datetime(2026, 3, 1, 13, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=1)))) == str(lowest)


def test_an_id_that_is_not_there_is_told_in_its_first_64_characters() -> None:
    said = no_such_decision("x" * 65).detail
    assert said == f"There is no decision '{'x' * 64}'. It may have expired, or never existed."
