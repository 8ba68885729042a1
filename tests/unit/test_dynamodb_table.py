"""How the DynamoDB table is asked: what is tried anew and for how long, and what an operator reads of an error."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
)
from pointsman.errors import HistoryUnavailable
from pointsman.history import dynamodb_table as module
from pointsman.history.dynamodb_table import FIRST_PAUSE_S, TRIES, ConditionFailed, Table, pause


class Client:
    """Answers each request with the next of what it was given: an error, or an answer; the last one for ever."""

    def __init__(self, *answers: Exception | dict[str, Any], takes_s: float = 0) -> None:
        self.answers, self.takes_s = list(answers), takes_s
        self.asked: list[dict[str, Any]] = []
        self.closed = False

    def query(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        time.sleep(self.takes_s)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that sleeping alone moves, and how long each sleep was."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sum(slept))
    monkeypatch.setattr(module, "random", lambda: 1.0)
    return slept


def table_of(client: Client, deadline_s: float = 100.0) -> Table:
    table = Table("history", deadline_s, None, None)
    table.client = client
    return table


def said_by_aws(code: str, message: str | None = "the reason", status: int = 400) -> ClientError:
    error = {"Code": code} if message is None else {"Code": code, "Message": message}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "Query")


def told(use: Callable[[], object]) -> HistoryUnavailable:
    with pytest.raises(HistoryUnavailable) as raised:
        use()
    return raised.value


def test_a_request_names_its_table_and_is_made_once_where_it_is_answered() -> None:
    client = Client({"Items": []})
    assert table_of(client).call("query", Limit=3) == {"Items": []}
    assert client.asked == [{"Limit": 3, "TableName": "history"}]


def test_a_condition_that_does_not_hold_is_an_answer_and_no_failure() -> None:
    client = Client(said_by_aws("ConditionalCheckFailedException", status=500))
    with pytest.raises(ConditionFailed):
        table_of(client).call("query")
    assert len(client.asked) == 1


PASSING = [
    said_by_aws("ThrottlingException"),
    said_by_aws("Throttling"),
    said_by_aws("RequestLimitExceeded"),
    said_by_aws("ProvisionedThroughputExceededException"),
    said_by_aws("InternalServerError", status=500),
    said_by_aws("ServiceUnavailable", status=503),
    ConnectTimeoutError(endpoint_url="x"),
    EndpointConnectionError(endpoint_url="x"),
    HTTPClientError(error="x"),
]
LASTING = [
    said_by_aws("ValidationException"),
    said_by_aws("ValidationException", status=499),
    ClientError({"Error": {"Code": "Odd"}}, "Query"),
    NoCredentialsError(),
    BotoCoreError(),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_may_pass_is_tried_seven_times_after_growing_pauses(error: Exception, clock: list[float]) -> None:
    client = Client(error)
    told(lambda: table_of(client).call("query"))
    assert len(client.asked) == TRIES == 7
    # Each request is followed by a wait of no time at all inside the client.
    assert [one for one in clock if one] == pytest.approx([0.025, 0.05, 0.1, 0.2, 0.4, 0.8])
    client = Client(error, error, {"Items": [1]})
    assert table_of(client).call("query") == {"Items": [1]}
    assert len(client.asked) == 3


@pytest.mark.parametrize("error", LASTING, ids=str)
@pytest.mark.usefixtures("clock")
def test_what_will_not_pass_is_not_tried_again(error: Exception) -> None:
    client = Client(error)
    told(lambda: table_of(client).call("query"))
    assert len(client.asked) == 1


@pytest.mark.parametrize(
    ("error", "until", "tries"),
    [
        (said_by_aws("Throttling"), None, 4),  # at 3, 6.025, 9.075 and 12.175 s of 10
        (said_by_aws("Throttling"), 1005.0, 2),
        (ConnectTimeoutError(endpoint_url="x"), None, 2),  # what waited in vain has half of the time
        (ConnectTimeoutError(endpoint_url="x"), 1007.0, 1),
    ],
    ids=str,
)
@pytest.mark.usefixtures("clock")
def test_nothing_is_begun_after_the_deadline(error: Exception, until: float | None, tries: int) -> None:
    client = Client(error, takes_s=3)
    told(lambda: table_of(client, 10.0).call("query", until))
    assert len(client.asked) == tries


@pytest.mark.usefixtures("clock")
def test_a_try_at_the_very_deadline_is_still_made() -> None:
    client = Client(said_by_aws("Throttling"), takes_s=3)
    told(lambda: table_of(client).call("query", 1003.0))
    assert len(client.asked) == 2


def test_a_pause_is_up_to_twice_as_long_each_time(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "random", lambda: 0.5)
    for attempt in (1, 2, 3):
        pause(attempt)
    assert clock == pytest.approx([FIRST_PAUSE_S / 2, FIRST_PAUSE_S, 2 * FIRST_PAUSE_S])


@pytest.mark.usefixtures("clock")
def test_an_operation_has_its_own_deadline_unless_one_is_given() -> None:
    table = table_of(Client(), 7.0)
    assert (table.deadline(), table.deadline(5.0)) == (1007.0, 5.0)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (said_by_aws("Odd", "x" * 301), f"AWS says: Odd: {'x' * 300}"),
        (said_by_aws("Odd", None), "AWS says: Odd: "),
        (
            said_by_aws("ResourceNotFoundException"),
            "there is no such table here. Deploy the stack, or correct POINTSMAN_TABLE or the region.",
        ),
        (
            said_by_aws("ValidationException", "The provided key element does not match the schema"),
            "its keys are not pk and sk, so it is another table. Correct POINTSMAN_TABLE.",
        ),
        (
            said_by_aws("ValidationException", "Item size has exceeded the maximum"),
            "an item may have 400 KB, and this decision has more candidates than fit. Use smaller configs.",
        ),
        (said_by_aws("ValidationException", "else"), "AWS says: ValidationException: else"),
        (said_by_aws("Odd", "schema and size"), "AWS says: Odd: schema and size"),
        (NoCredentialsError(), module._CREDENTIALS),
        (BotoCoreError(), "AWS says: BotoCoreError: An unspecified error occurred"),
    ],
    ids=str,
)
def test_an_error_is_told_with_what_to_do(error: Exception, meaning: str) -> None:
    found = told(lambda: table_of(Client(error)).call("query"))
    assert found.detail == f"DynamoDB table history: {meaning}"
    assert (found.final, found.denied) == (True, False)


def test_a_role_that_may_not_is_told_apart() -> None:
    found = told(lambda: table_of(Client(said_by_aws("AccessDeniedException"))).call("query"))
    assert found.denied
    assert found.detail == (
        "DynamoDB table history: access is denied. Let the role read, query, put and update items of this table."
    )


@pytest.mark.usefixtures("aws_account")
def test_the_client_waits_half_of_the_deadline_for_each_thing_and_tries_nothing_by_itself() -> None:
    table = Table("history", 3.0, "eu-west-3", "http://127.0.0.1:9")
    client = table.connect()
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.5, 1.5)
    assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 1)
    assert (config.tcp_keepalive, config.max_pool_connections) == (True, 50)
    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-3", "http://127.0.0.1:9")
    assert client.meta.service_model.service_name == "dynamodb"
    assert table.connect() is client is table.client
    # What is slow to load is kept when the connections are let go.
    session = table._session
    table.close()
    assert table.client is None
    assert table.connect() is not client
    assert table._session is session
    table.close()


@pytest.mark.usefixtures("aws_account")
def test_an_address_that_is_none_is_told() -> None:
    found = told(Table("history", 3.0, None, "no address").connect)
    assert found.detail == "DynamoDB table history: AWS says: ValueError: Invalid endpoint: no address"


def test_a_client_is_closed_once_and_nothing_before_the_first_use() -> None:
    client = Client()
    table = table_of(client)
    table.close()
    assert client.closed
    table.close()
    assert table.client is None
