"""The DynamoDB table: what a page costs, what expires, what does not fit, and what is said when it cannot be used."""

import json
import logging
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pointsman.cli.main import cli
from pointsman.compose import open_history
from pointsman.errors import HistoryUnavailable, NotFound, SettingsError, UnknownModel
from pointsman.history import Filter, append_or_log, replay
from pointsman.history import dynamodb_table as module
from pointsman.history.base import DAY_S, FIRST_ID, LAST_ID, expiry
from pointsman.history.dynamodb import TABLE_DEFINITION, DynamoHistory
from pointsman.history.dynamodb_items import MOST_DATA_BYTES
from pointsman.history.ids import Ids, timestamp
from pointsman.history.sqlite import SqliteHistory
from pointsman.settings import load_settings

from benchmarks.decisions import router_of_48
from scripts.harness.aws import Calls
from tests.conftest import MakeRouter, MakeTable

START = datetime(2026, 1, 1, tzinfo=UTC)
ITEM_BYTES = 409_600


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    return make_router().decide("What is 1+1?").to_dict()


@pytest.fixture
def table(aws: MakeTable) -> DynamoHistory:
    return aws()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that take no time, and how long they would have been."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def fill(history: DynamoHistory, decision: dict[str, Any], count: int, **changes: Any) -> list[str]:
    """Summaries alone, one a minute, in the quickest way; no page reads a body."""
    ids = [Ids().next(START + timedelta(minutes=i)) for i in range(count)]
    for i, decision_id in enumerate(ids):
        made = timestamp(START + timedelta(minutes=i))
        history._write_summaries({**decision, "id": decision_id, "ts": made, **changes}, None)
    return ids


def test_thousands_are_paged_newest_first_with_two_queries_a_page(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    ids = fill(table, decision, 2100)
    table.page(1)  # reads, once in five minutes, what retention has hidden for good
    calls = Calls(table)
    found, cursor = [], None
    for number in range(1, 12):
        page = table.page(200, cursor)
        found += [call["id"] for call in page.calls]
        cursor = page.next
        assert calls.made == ["Query"] * 2 * number
    assert cursor is None
    assert found == ids[::-1]


def test_a_rare_filter_over_months_without_decisions_takes_two_queries(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    old = Ids().next(datetime(2019, 5, 1, tzinfo=UTC))
    table._write_summaries({**decision, "id": old, "config": "rare", "selected": ["acme/rare"]}, None)
    fill(table, decision, 300)
    table.page(1)
    calls = Calls(table)
    filters = [
        Filter(config="rare"),
        Filter(model="acme/rare"),
        Filter(config="rare", model="acme/rare"),
        Filter(until=datetime(2020, 1, 1, tzinfo=UTC)),
        Filter(since=datetime(2019, 1, 1, tzinfo=UTC), until=datetime(2019, 6, 1, tzinfo=UTC)),
    ]
    for where in filters:
        page = table.page(50, None, where)
        assert ([call["id"] for call in page.calls], page.next) == ([old], None)
    assert calls.made == ["Query"] * 2 * len(filters)


def test_a_span_that_is_empty_asks_nothing(table: DynamoHistory, decision: dict[str, Any]) -> None:
    table.append(decision)
    calls = Calls(table)
    assert table.page(50, None, Filter(since=START, until=START)).calls == []
    assert table.page(50, None, Filter(until=datetime(1970, 1, 1, tzinfo=UTC))).calls == []
    assert calls.made == []


def test_a_page_larger_than_a_query_is_whole(table: DynamoHistory, decision: dict[str, Any]) -> None:
    # A query answers at most 1 MB; these are 4 MB.
    strongest = {"model_id": "x" * 20_000, "cost": 1.0}
    ids = fill(table, decision, 200, strongest=strongest)
    assert [call["id"] for call in table.page(200).calls] == ids[::-1]


def test_names_with_the_separators_of_a_key_are_not_confused(table: DynamoHistory, decision: dict[str, Any]) -> None:
    table.append({**decision, "config": 'a","b', "selected": ['c"],["d']})
    for where in (Filter(config="a"), Filter(config='a","b', model="c"), Filter(config="*"), Filter(config="")):
        assert table.page(10, None, where).calls == []
    assert len(table.page(10, None, Filter(config='a","b', model='c"],["d')).calls) == 1


def test_a_filter_too_long_for_any_key_finds_nothing(table: DynamoHistory) -> None:
    assert table.page(10, None, Filter(model="界" * 1000)).calls == []


def test_a_decision_takes_a_put_for_its_body_and_one_for_each_of_its_lists(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    table.page(1)
    calls = Calls(table)
    table.append(decision)
    assert calls.made == ["PutItem"] * 5
    table.set_outcome(decision["id"], decision["selected"][0], {"completed": True})
    assert calls.made[5:] == ["UpdateItem"]


@pytest.mark.usefixtures("at_once")
def test_a_half_written_decision_is_not_listed_and_a_repeat_completes_it(
    table: DynamoHistory,
    decision: dict[str, Any],
) -> None:
    calls = Calls(table)
    calls.answers = lambda name: (500, "InternalServerError") if name == "PutItem" and len(calls.made) > 1 else None
    with pytest.raises(HistoryUnavailable):
        table.append(decision)
    assert table.page(10).calls == []
    calls.answers = lambda _: None
    table.append({**decision, "cost": 99.0, "config": "other"})
    (call,) = table.page(10).calls
    assert (call["cost"], call["config"]) == (decision["cost"], decision["config"])
    assert table.page(10, None, Filter(config="other")).calls == []
    assert table.get(decision["id"])["cost"] == decision["cost"]


def test_what_has_expired_is_not_shown(
    aws: MakeTable, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = aws(retention_days=1)
    table.append(decision)
    stored = table._stored(decision["id"])
    assert stored is not None
    assert int(stored["expires_at"]["N"]) == expiry(decision["id"], 1)
    everything = DynamoHistory(table._table)
    everything._calls.client = table._client
    later = time.time() + DAY_S + 2
    monkeypatch.setattr(time, "time", lambda: later)
    # By a reader that has the retention, and by one that only reads what the item says.
    for reader in (table, everything):
        assert reader.page(10).calls == []
        assert reader.page(10, None, Filter(model=decision["selected"][0])).calls == []
        with pytest.raises(NotFound):
            reader.get(decision["id"])
        with pytest.raises(NotFound):
            reader.set_outcome(decision["id"], decision["selected"][0], {"completed": True})


def test_expired_decisions_that_are_not_yet_deleted_do_not_shorten_a_page(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    ids = fill(table, decision, 3)
    for i in range(400):
        gone = Ids().next(START + timedelta(days=1, minutes=i))
        table._write_summaries({**decision, "id": gone}, int(time.time()) - 1)
    page = table.page(2)
    assert [call["id"] for call in page.calls] == ids[:0:-1]
    assert [call["id"] for call in table.page(2, page.next).calls] == ids[:1]


def test_a_replayed_decision_expires_by_its_own_age(aws: MakeTable, decision: dict[str, Any], tmp_path: Path) -> None:
    old = {**decision, "id": Ids().next(datetime.now(UTC) - timedelta(days=3))}
    line = json.dumps({"event": "decision_not_recorded", "error": "", "record": old})
    for store in (aws(retention_days=2), SqliteHistory(tmp_path / "replay.db", retention_days=2)):
        assert [found.id for found in replay(store, [line])] == [old["id"]]
        assert store.page(10).calls == []
        with pytest.raises(NotFound):
            store.get(old["id"])
        store.close()


def test_a_prompt_that_does_not_fit_an_item_is_cut_in_its_middle(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    letters = random.Random(7).choices([chr(c) for c in range(0x4E00, 0x9FA5)], k=400_000)
    prompt = "head" + "".join(letters) + "tail"
    table.append({**decision, "prompt": prompt})
    found = table.get(decision["id"])
    assert found["prompt"].startswith(prompt[:1000])
    assert found["prompt"].endswith(prompt[-1000:])
    assert "\n…\n" in found["prompt"]
    assert {**found, "prompt": "", "outcomes": 0} == {**decision, "prompt": "", "outcomes": 0}
    stored = table._stored(decision["id"])
    assert stored is not None
    assert MOST_DATA_BYTES / 3 < len(stored["data"]["B"]) <= MOST_DATA_BYTES < ITEM_BYTES
    # What the API keeps of a prompt fits whole, even where little of it can be compressed.
    older = {**decision, "id": Ids().next(START), "prompt": "".join(letters[: 65_536 // 3])}
    table.append(older)
    assert table.get(older["id"])["prompt"] == older["prompt"]


def test_what_fits_even_without_its_prompt_in_no_item_is_logged_instead(
    table: DynamoHistory, decision: dict[str, Any], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    noise = random.Random(7)
    candidates = [{**decision["candidates"][0], "model_id": f"acme/{noise.randbytes(30).hex()}"} for _ in range(20_000)]
    huge = {**decision, "candidates": candidates}
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        assert not append_or_log(table, huge)
    assert "an item may have 400 KB" in caplog.messages[0]
    again = SqliteHistory(tmp_path / "again.db")
    assert [one.id for one in replay(again, caplog.messages)] == [decision["id"]]  # in as many lines as a log takes
    assert again.get(decision["id"])["candidates"] == candidates
    again.close()


def test_a_throttled_write_is_tried_again_after_growing_pauses(
    table: DynamoHistory, decision: dict[str, Any], at_once: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "random", lambda: 1.0)
    calls = Calls(table)
    refused = ["ThrottlingException", "InternalServerError", "ProvisionedThroughputExceededException"]
    calls.answers = lambda _: (400 if "Th" in refused[0] else 500, refused.pop(0)) if refused else None
    assert append_or_log(table, decision)
    assert calls.made.count("PutItem") == 3 + 5
    assert at_once == [0.025, 0.05, 0.1]
    assert table.get(decision["id"])["id"] == decision["id"]


@pytest.mark.usefixtures("at_once")
def test_a_summary_that_was_not_taken_is_sent_again_alone(table: DynamoHistory, decision: dict[str, Any]) -> None:
    calls, turn = Calls(table), count(1)
    calls.answers = lambda _: (400, "ThrottlingException") if next(turn) in (2, 4) else None
    table.append(decision)
    assert calls.made == ["PutItem"] * (5 + 2)
    for where in (Filter(), Filter(config="auto"), Filter(model=decision["selected"][0])):
        assert len(table.page(10, None, where).calls) == 1


def unavailable(history: DynamoHistory, decision: dict[str, Any], caplog: pytest.LogCaptureFixture) -> str:
    """What the operator reads where a decision cannot be recorded; every other use fails with the same words."""
    caplog.clear()
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        assert not append_or_log(history, decision)
    line = json.loads(caplog.messages[0])
    assert line["event"] == "decision_not_recorded"
    assert line["record"] == decision
    for use in (
        lambda: history.page(10),
        lambda: history.get(decision["id"]),
        lambda: history.set_outcome(decision["id"], "acme/a", {"completed": True}),
    ):
        with pytest.raises(HistoryUnavailable) as raised:
            use()
        assert raised.value.detail == line["error"]
    return str(line["error"])


@pytest.mark.parametrize(
    ("status", "code", "said", "tries"),
    [
        (400, "ThrottlingException", "it is throttled", module.TRIES),
        (400, "ProvisionedThroughputExceededException", "it is throttled", module.TRIES),
        (500, "InternalServerError", "AWS says: InternalServerError: simulated", module.TRIES),
        (503, "ServiceUnavailable", "AWS says: ServiceUnavailable", module.TRIES),
        (400, "AccessDeniedException", "access is denied. Let the role", 1),
        (400, "ExpiredTokenException", "no valid AWS credentials", 1),
        (400, "UnrecognizedClientException", "no valid AWS credentials", 1),
        (400, "InvalidSignatureException", "or the clock is wrong", 1),
        (400, "SomethingNew", "AWS says: SomethingNew: simulated", 1),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_every_refusal_is_told_to_the_operator_and_the_record_goes_to_the_log(
    table: DynamoHistory,
    decision: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    status: int,
    code: str,
    said: str,
    tries: int,
) -> None:
    calls = Calls(table)
    calls.answers = lambda _: (status, code)
    message = unavailable(table, decision, caplog)
    assert message.startswith(f"DynamoDB table {table._table}: ")
    assert said in message
    assert calls.made.count("PutItem") == tries


@pytest.mark.usefixtures("at_once")
def test_trying_again_ends_in_time(
    table: DynamoHistory, decision: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count(0.0, 0.6)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    calls = Calls(table)
    calls.answers = lambda _: (500, "InternalServerError")
    with pytest.raises(HistoryUnavailable):
        table.append(decision)
    # The summaries go side by side and share the deadline: each is sent once, and few a second time.
    assert set(calls.made) == {"PutItem"}
    assert len(calls.made) <= 2 * 9


@pytest.mark.usefixtures("aws")
def test_a_table_that_is_missing_is_named(decision: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    message = unavailable(DynamoHistory("nowhere"), decision, caplog)
    assert message == (
        "DynamoDB table nowhere: there is no such table here. "
        "Deploy the stack, or correct POINTSMAN_TABLE or the region."
    )


def test_another_table_is_refused(aws: MakeTable, decision: dict[str, Any]) -> None:
    other = aws(
        AttributeDefinitions=[{"AttributeName": "theirs", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "theirs", "KeyType": "HASH"}],
    )
    with pytest.raises(HistoryUnavailable, match="is another table"):
        other.get(decision["id"])


@pytest.mark.usefixtures("at_once", "aws_account")
def test_an_address_where_nothing_listens_is_said_to_be_unreachable(
    decision: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    message = unavailable(DynamoHistory("history", endpoint="http://127.0.0.1:9"), decision, caplog)
    assert "cannot be reached" in message


@pytest.mark.parametrize(
    ("unset", "said"),
    [(("AWS_REGION", "AWS_DEFAULT_REGION"), "no AWS region is set"), (("AWS_ACCESS_KEY_ID",), "credentials")],
)
@pytest.mark.usefixtures("aws_account")
def test_a_machine_without_region_or_credentials_is_told_so(
    decision: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    unset: tuple[str, ...],
    said: str,
) -> None:
    for name in unset:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert said in unavailable(DynamoHistory("history"), decision, caplog)


def test_the_client_is_made_anew_after_a_refresh(table: DynamoHistory, decision: dict[str, Any]) -> None:
    table.append(decision)
    before = table._client
    table.refresh()
    assert table.get(decision["id"])["id"] == decision["id"]
    assert table._client is not before


def test_nothing_of_aws_is_imported_before_the_first_use() -> None:
    code = (
        "import sys; from pointsman.history.dynamodb import DynamoHistory; DynamoHistory('history');"
        "print([name for name in ('boto3', 'botocore') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_settings_say_which_store(monkeypatch: pytest.MonkeyPatch) -> None:
    # Empty is none: a template cannot leave a variable out as easily as it leaves it empty.
    for name in ("POINTSMAN_TABLE", "POINTSMAN_DYNAMODB_ENDPOINT"):
        store = open_history(load_settings())
        assert isinstance(store, SqliteHistory)
        store.close()
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("POINTSMAN_TABLE", "history")
    monkeypatch.setenv("POINTSMAN_RETENTION_DAYS", "30")
    monkeypatch.setenv("POINTSMAN_DYNAMODB_ENDPOINT", "http://127.0.0.1:8000")
    table = open_history(load_settings())
    assert isinstance(table, DynamoHistory)
    assert (table._table, table._retention.days, table._calls._endpoint) == ("history", 30, "http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POINTSMAN_TABLE", "no table"),
        ("POINTSMAN_TABLE", "x"),
        ("POINTSMAN_DYNAMODB_ENDPOINT", "localhost:8000"),
        ("POINTSMAN_DYNAMODB_ENDPOINT", "http://"),
    ],
)
def test_settings_that_make_no_sense_are_refused(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable):
        load_settings()


def test_a_table_without_boto3_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'pointsman\[aws\]'"):
        DynamoHistory("history")


def test_an_outcome_of_a_model_without_a_name_is_refused(table: DynamoHistory, decision: dict[str, Any]) -> None:
    table.append(decision)
    with pytest.raises(UnknownModel):
        table.set_outcome(decision["id"], "", {"completed": True})


def test_the_table_needs_no_index() -> None:
    assert set(TABLE_DEFINITION) == {"AttributeDefinitions", "KeySchema", "BillingMode"}


def test_the_commands_of_the_history_work_on_a_table(
    table: DynamoHistory, decision: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["history", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    log = tmp_path / "function.log"
    log.write_text(json.dumps({"event": "decision_not_recorded", "error": "", "record": decision}) + "\n")
    named = f"--table={table._table}"
    assert "1 decision of the log" in run(named, "replay", str(log))
    assert decision["id"] in run(named)
    assert json.loads(run(named, "show", decision["id"]))["candidates"] == decision["candidates"]
    monkeypatch.setenv("POINTSMAN_TABLE", table._table)
    assert decision["id"] in run()
    # A file that is named wins over a table that is set outside.
    assert run(f"--db={tmp_path / 'file.db'}") == ""
    both = CliRunner().invoke(cli, ["history", named, f"--db={tmp_path / 'file.db'}"])
    assert (both.exit_code, "not both" in both.output) == (2, True)


@pytest.mark.usefixtures("aws")
def test_a_prompt_is_answered_though_the_table_is_gone(
    make_router: MakeRouter, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.ERROR, logger="pointsman.history"):
        answered = make_router(DynamoHistory("nowhere")).decide("What is 1+1?")
    assert not answered.recorded
    assert answered.selected == ("acme/middle",)
    later = SqliteHistory(tmp_path / "later.db")
    assert [found.id for found in replay(later, caplog.messages)] == [answered.id]
    later.close()


def item_bytes(value: dict[str, Any]) -> int:
    """The size of an item or a map as DynamoDB counts it: names and values, and 3 bytes a map."""
    sizes: dict[str, Callable[[Any], int]] = {
        "S": lambda text: len(text.encode()),
        "B": len,
        "N": lambda digits: len(digits) // 2 + 2,
        "M": lambda inner: item_bytes(inner) + 3,
        "SS": lambda texts: sum(len(text.encode()) for text in texts),
    }
    return sum(len(name) + sizes[kind](held) for name, typed in value.items() for kind, held in typed.items())


@pytest.mark.parametrize(
    ("prompt", "body_units"),
    [("What is 1+1?", 3), ("Prove that every finite integral domain is a field. " * 40, 3), ("证" * 200, 3)],
)
def test_a_decision_with_48_candidates_takes_the_write_units_that_are_documented(
    aws: MakeTable, prompt: str, body_units: int
) -> None:
    table = aws(retention_days=30)
    decision = router_of_48().decide(prompt, "all").to_dict()
    assert len(decision["candidates"]) == 48
    table.append(decision)
    items = table._client.scan(TableName=table._table)["Items"]
    units = {item["pk"]["S"]: -(-item_bytes(item) // 1024) for item in items}
    assert units.pop(decision["id"]) == body_units
    # All decisions, the config, the candidate and its model, and each of those two with the config.
    assert list(units.values()) == [1] * 6


def test_the_two_shards_of_a_list_share_the_decisions_evenly(table: DynamoHistory, decision: dict[str, Any]) -> None:
    ids = Ids()
    # Also within one millisecond, where ids follow one another.
    for _ in range(200):
        table._write_summaries({**decision, "id": ids.next(START)}, None)
    shards = [table._newest(f"[{shard},null,null]", FIRST_ID, LAST_ID, 1000) for shard in (0, 1)]
    assert [len(shard) for shard in shards] == [100, 100]
