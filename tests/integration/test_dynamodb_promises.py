"""What the DynamoDB history promises of its items: all pages are whole, what was cut off can go on, nothing rises
from below the floor, and of those who report at the same time nobody loses anything.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pointsman.errors import HistoryUnavailable, NotFound
from pointsman.history.base import DAY_S, FIRST_ID
from pointsman.history.dynamodb import AUDIT, FLOOR_AGE_S, FLOOR_KEY, DynamoHistory
from pointsman.history.dynamodb_table import TRIES, ConditionFailed
from pointsman.history.ids import Ids, timestamp

from scripts.harness.aws import Calls
from tests.conftest import MakeRouter, MakeTable

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    return make_router().decide("What is 1+1?").to_dict()


@pytest.fixture
def table(aws: MakeTable) -> DynamoHistory:
    return aws()


def at(decision: dict[str, Any], instant: datetime, **changes: Any) -> dict[str, Any]:
    return {**decision, "id": Ids().next(instant), "ts": timestamp(instant), **changes}


# What a request is made of and what it is answered with.
Asked = list[tuple[str, dict[str, Any]]]


def watch(
    table: DynamoHistory, monkeypatch: pytest.MonkeyPatch, before: Callable[[str, dict[str, Any]], None] | None = None
) -> Asked:
    """Every request with its parameters; `before` may change them, or raise."""
    asked: Asked = []
    call = table._calls.call

    def watched(operation: str, until: float | None = None, **parameters: Any) -> dict[str, Any]:
        asked.append((operation, parameters))
        if before is not None:
            before(operation, parameters)
        return call(operation, until, **parameters)

    monkeypatch.setattr(table._calls, "call", watched)
    return asked


def one_at_a_time(operation: str, parameters: dict[str, Any]) -> None:
    """A table that answers with one item a query."""
    if operation == "query":
        parameters["Limit"] = 1


def items(table: DynamoHistory) -> set[tuple[str, str]]:
    found = table._client.scan(TableName=table._table, ConsistentRead=True)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]) for item in found}


def test_lists_and_notes_are_whole_however_little_a_query_answers(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [at(decision, START + timedelta(minutes=minute)) for minute in range(5)]
    for one in reversed(kept):
        table.append(one)
    for name in ("b", "a", "c"):
        table.note({"id": name, "of": 1})
    table.note({"id": "b", "of": 2})
    watch(table, monkeypatch, one_at_a_time)
    ids = [one["id"] for one in kept]
    assert [one["id"] for one in table.decisions()] == ids
    minute = timedelta(minutes=1)
    assert [one["id"] for one in table.decisions(START + minute, START + 3 * minute)] == ids[1:3]
    assert list(table.decisions(START, START)) == []
    page = table.page(3)
    assert [call["id"] for call in page.calls] == ids[:1:-1]
    assert [call["id"] for call in table.page(3, page.next).calls] == ids[1::-1]
    assert table.notes() == [{"id": "c", "of": 1}, {"id": "b", "of": 2}, {"id": "a", "of": 1}]


def test_a_short_page_of_a_long_list_holds_the_newest(table: DynamoHistory, decision: dict[str, Any]) -> None:
    kept = [at(decision, START + timedelta(minutes=minute)) for minute in range(16)]
    for one in kept:
        table.append(one)
    assert [call["id"] for call in table.page(1).calls] == [kept[-1]["id"]]


def test_what_was_just_written_is_read(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.append(decision)
    asked = watch(table, monkeypatch)
    table.page(1)
    table.get(decision["id"])
    list(table.decisions())
    for operation, parameters in asked:
        if parameters.get("Key") != FLOOR_KEY:
            assert parameters["ConsistentRead"] is True, operation


def test_a_decision_is_deleted_from_the_list_of_all_last_and_a_note_says_that_it_began(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = at(decision, START), at(decision, NOW)
    table.append(other)
    left = items(table)
    table.append(one)
    asked = watch(table, monkeypatch)
    absent = Ids().next(START)
    assert table.delete([absent, one["id"], "nonsense"], {"id": "a", "by": "admin"}) == 1
    assert items(table) == {*left, (AUDIT, "a")}
    assert table.notes() == [{"id": "a", "by": "admin", "decisions": 1}]
    gone = [parameters["Key"] for operation, parameters in asked if operation == "delete_item"]
    assert {key["sk"]["S"] for key in gone[:-2]} == {one["id"]}
    assert gone[-2] == {"pk": {"S": one["id"]}, "sk": {"S": "body"}}
    assert gone[-1]["pk"]["S"].endswith(",null,null]")
    notes = [parameters for operation, parameters in asked if operation == "update_item"]
    assert '"decisions":null' in notes[0]["ExpressionAttributeValues"][":note"]["S"]


def test_of_a_decision_whose_body_is_gone_already_the_rest_is_deleted(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    table.append(decision)
    table._calls.call("delete_item", Key={"pk": {"S": decision["id"]}, "sk": {"S": "body"}})
    assert list(table.decisions()) == []
    assert table.delete([decision["id"]], {"id": "a"}) == 1
    assert items(table) == {(AUDIT, "a")}


def test_a_decision_that_is_not_in_the_list_of_all_is_deleted_by_its_body(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    table.append(decision)
    (of_all,) = (pk for pk, _ in items(table) if pk.endswith(",null,null]"))
    table._calls.call("delete_item", Key={"pk": {"S": of_all}, "sk": {"S": decision["id"]}})
    assert table.delete([decision["id"]], {"id": "a"}) == 1
    assert items(table) == {(AUDIT, "a")}


def test_the_floor_is_read_once_in_five_minutes_and_never_falls(
    aws: MakeTable, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch, passed: Callable[[float], None]
) -> None:
    strict = aws(10)
    lax = DynamoHistory(strict._table)
    lax._calls.client = strict._client
    for days in (20, 5):
        lax.append(at(decision, NOW - timedelta(days=days)))
    asked = watch(lax, monkeypatch)

    def reads() -> int:
        return sum(parameters.get("Key") == FLOOR_KEY for operation, parameters in asked if operation == "get_item")

    # Nobody with a retention has looked yet.
    assert (len(lax.page(10).calls), reads()) == (2, 1)
    assert len(strict.page(10).calls) == 1
    passed(FLOOR_AGE_S)
    assert (len(lax.page(10).calls), reads()) == (2, 1)
    passed(FLOOR_AGE_S + 1)
    assert (len(lax.page(10).calls), reads()) == (1, 2)
    assert len(list(lax.decisions())) == 1
    # Two with a retention: the floor is that of the stricter one, whoever writes last.
    stricter = DynamoHistory(strict._table, 1)
    stricter._calls.client = strict._client
    assert stricter.page(10).calls == []
    passed(2 * FLOOR_AGE_S + 2)
    assert strict.page(10).calls == lax.page(10).calls == []


def test_a_floor_that_another_process_raised_meanwhile_stays(
    aws: MakeTable, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = aws(10)
    table.append(at(decision, NOW))
    higher = Ids().next(NOW - timedelta(days=5))
    call = table._calls.call

    def raced(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "update_item" and parameters["Key"] == FLOOR_KEY:
            call("put_item", Item={**FLOOR_KEY, "floor": {"S": higher}})

    watch(table, monkeypatch, raced)
    assert len(table.page(10).calls) == 1
    assert table._calls.call("get_item", Key=FLOOR_KEY)["Item"]["floor"]["S"] == higher


def test_by_a_clock_that_jumped_nothing_is_hidden_for_good_or_deleted(
    aws: MakeTable, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = aws(10)
    table.append(at(decision, NOW))
    later = time.time() + 20 * DAY_S
    monkeypatch.setattr(time, "time", lambda: later)
    assert (table.page(10).calls, table.purge()) == ([], 0)
    assert "Item" not in table._calls.call("get_item", Key=FLOOR_KEY)
    monkeypatch.undo()


def test_what_is_too_old_is_deleted_and_counted(aws: MakeTable, decision: dict[str, Any]) -> None:
    forever = aws()
    for minute in range(3):
        forever.append(at(decision, NOW - timedelta(days=20, minutes=minute)))
    forever.append(at(decision, NOW))
    table = DynamoHistory(forever._table, 10)
    table._calls.client = forever._client
    assert (table.purge(), table.purge()) == (3, 0)
    assert len(list(table.decisions())) == 1
    assert len({sk for _, sk in items(table)} - {"body", "floor"}) == 1


def test_what_expires_is_kept_to_its_last_second(
    aws: MakeTable, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = int(NOW.timestamp()) - 100
    one = at(decision, datetime.fromtimestamp(made, UTC) + timedelta(milliseconds=400))
    writer = aws(1)
    writer.append(one)
    reader = DynamoHistory(writer._table)
    reader._calls.client = writer._client

    def shown(second: int) -> list[int]:
        monkeypatch.setattr(time, "time", lambda: float(second))
        listed = [len(reader.page(10).calls), len(list(reader.decisions()))]
        uses: list[Callable[[], object]] = [
            lambda: reader.get(one["id"]),
            lambda: reader.set_outcome(one["id"], one["selected"][0], {"completed": True}),
            lambda: reader.set_outcome(one["id"], one["selected"][0], {"completed": True}, add=True),
        ]
        for use in uses:
            try:
                listed.append(len([use()]))
            except NotFound:
                listed.append(0)
        return listed

    assert shown(made + DAY_S - 1) == [1, 1, 1, 1, 1]
    assert shown(made + DAY_S) == [0, 0, 0, 0, 0]


def test_what_an_outcome_adds_stands_beside_what_was_known_though_another_adds_at_the_same_time(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.append(decision)
    model = decision["selected"][0]
    call, turns = table._calls.call, [1]

    def raced(operation: str, _: dict[str, Any]) -> None:
        """Somebody adds between this one's reading and its writing."""
        if operation == "update_item" and turns:
            turns.pop()
            other = DynamoHistory(table._table)
            other._calls.client = table._client
            other.set_outcome(decision["id"], model, {"completed": None, "output_tokens": 7}, add=True)

    watch(table, monkeypatch, raced)
    for outcome in ({"completed": True, "output_tokens": None}, {"completed": None, "score": 0.5}):
        turns[:] = [1]
        table.set_outcome(decision["id"], model, outcome, add=True)
    (found,) = table.get(decision["id"])["outcomes"]
    assert timestamp(NOW - timedelta(minutes=1)) < found.pop("ts") <= timestamp(datetime.now(UTC))
    assert found == {"model_id": model, "completed": True, "output_tokens": 7, "score": 0.5}
    # Without adding, what was known before goes.
    (found,) = table.set_outcome(decision["id"], model, {"completed": False})["outcomes"]
    assert found.get("score") is None
    assert call("get_item", Key=FLOOR_KEY).get("Item") is None


def test_an_outcome_that_loses_every_race_is_said_not_to_be_kept(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.append(decision)

    def lost(operation: str, _: dict[str, Any]) -> None:
        if operation == "update_item":
            raise ConditionFailed

    asked = watch(table, monkeypatch, lost)
    with pytest.raises(HistoryUnavailable, match="it is throttled"):
        table.set_outcome(decision["id"], decision["selected"][0], {"completed": True}, add=True)
    assert [operation for operation, _ in asked].count("update_item") == TRIES


def test_a_probe_writes_nothing_and_asks_for_less_where_putting_is_denied(table: DynamoHistory) -> None:
    table.probe()
    calls = Calls(table)
    calls.answers = lambda name: (400, "AccessDeniedException") if name == "PutItem" else None
    table.probe()
    assert calls.made == ["PutItem", "UpdateItem"]
    assert items(table) == set()
    calls.answers = lambda _: (400, "AccessDeniedException")
    with pytest.raises(HistoryUnavailable, match="access is denied"):
        table.probe()
    calls.made.clear()
    calls.answers = lambda _: (400, "ResourceNotFoundException")
    with pytest.raises(HistoryUnavailable, match="no such table"):
        table.probe()
    assert calls.made == ["PutItem"]


@pytest.mark.parametrize("operation", ["append", "probe"])
def test_a_deadline_that_is_given_is_every_requests(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    table.page(1)
    until, given = time.monotonic() + 60, []
    call = table._calls.call

    def denied_once(operation: str, until: float | None = None, **parameters: Any) -> dict[str, Any]:
        given.append(until)
        if operation == "put_item" and parameters["Item"]["pk"]["S"] == "probe":
            raise HistoryUnavailable("no", denied=True)
        return call(operation, until, **parameters)

    monkeypatch.setattr(table._calls, "call", denied_once)
    if operation == "append":
        table.append(decision, until=until)
    else:
        table.probe(until=until)
    assert len(given) > 1
    assert set(given) == {until}


def test_an_append_that_finds_its_decision_expired_lists_nothing(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.append(decision)
    asked = watch(table, monkeypatch)
    monkeypatch.setattr(table, "_stored", lambda _: None)  # between the put and the look
    table.append(decision)
    assert [operation for operation, _ in asked] == ["put_item"]


def test_an_id_that_is_none_asks_the_table_nothing(table: DynamoHistory) -> None:
    calls = Calls(table)
    uses: list[Callable[[], object]] = [
        lambda: table.get("x"),
        lambda: table.set_outcome(f"{FIRST_ID}0", "acme/a", {"completed": True}),
    ]
    for use in uses:
        with pytest.raises(NotFound):
            use()
    assert calls.made == []
