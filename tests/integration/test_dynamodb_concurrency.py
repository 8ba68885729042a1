"""What is claimed of many writers at once, on a DynamoDB whose conditional writes do not race (dynalite)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pointsman.errors import UnknownModel
from pointsman.history.dynamodb import DynamoHistory

from tests.conftest import MakeRouter, MakeTable

WRITERS = 10


@pytest.fixture
def table(dynalite: MakeTable) -> DynamoHistory:
    return dynalite()


@pytest.fixture
def decision(make_router: MakeRouter) -> dict[str, Any]:
    models = tuple(f"acme/m{i}" for i in range(WRITERS))
    return {**make_router().decide("What is 1+1?").to_dict(), "selected": models}


def at_once(tasks: Sequence[Callable[[], object]]) -> None:
    """Run the tasks in threads that all start together; raises what the first of them raised."""
    barrier = Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        barrier.wait()
        task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(run, task) for task in tasks]:
            done.result()


def test_outcomes_of_several_models_at_once_are_all_kept(table: DynamoHistory, decision: dict[str, Any]) -> None:
    table.append(decision)
    for attempt in range(5):
        score = attempt / 10

        def setter(model: str, score: float = score) -> Callable[[], object]:
            return lambda: table.set_outcome(decision["id"], model, {"completed": True, "score": score})

        at_once([setter(model) for model in decision["selected"]])
        outcomes = table.get(decision["id"])["outcomes"]
        assert sorted(o["model_id"] for o in outcomes) == sorted(decision["selected"])
        assert {o["score"] for o in outcomes} == {score}


def test_outcomes_of_one_model_at_once_leave_one_of_them_whole(table: DynamoHistory, decision: dict[str, Any]) -> None:
    table.append(decision)
    model = decision["selected"][0]

    def setter(number: int) -> Callable[[], object]:
        outcome = {"completed": number % 2 == 0, "output_tokens": number}
        return lambda: table.set_outcome(decision["id"], model, outcome)

    at_once([setter(number) for number in range(WRITERS)])
    (outcome,) = table.get(decision["id"])["outcomes"]
    assert outcome["completed"] == (outcome["output_tokens"] % 2 == 0)
    table.set_outcome(decision["id"], model, {"completed": False, "output_tokens": 99})
    assert table.get(decision["id"])["outcomes"][0]["output_tokens"] == 99


def test_appends_of_one_id_at_once_keep_one_decision_and_list_that_one(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    for attempt in range(5):
        one = {**decision, "id": f"{decision['id'][:-2]}{attempt:02d}", "selected": ["acme/a"]}

        def writer(number: int, one: dict[str, Any] = one) -> Callable[[], object]:
            return lambda: table.append({**one, "cost": float(number)})

        at_once([writer(number) for number in range(WRITERS)])
        kept = table.get(one["id"])["cost"]
        listed = [call["cost"] for call in table.page(100).calls if call["id"] == one["id"]]
        assert listed == [kept]


def test_an_outcome_that_is_refused_changes_nothing_beside_others(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    table.append(decision)

    def refused() -> None:
        with pytest.raises(UnknownModel):
            table.set_outcome(decision["id"], "acme/other", {"completed": True})

    model = decision["selected"][0]
    at_once([refused, lambda: table.set_outcome(decision["id"], model, {"completed": True})] * 4)
    assert [o["model_id"] for o in table.get(decision["id"])["outcomes"]] == [model]


def test_a_page_read_while_decisions_arrive_skips_and_repeats_none(
    table: DynamoHistory, decision: dict[str, Any]
) -> None:
    ids = [f"{decision['id'][:-3]}{i:03d}" for i in range(60)]
    for one in ids[:30]:
        table.append({**decision, "id": one, "selected": ["acme/a"]})
    seen: list[str] = []

    def read() -> None:
        cursor = None
        while True:
            page = table.page(4, cursor)
            seen.extend(call["id"] for call in page.calls)
            cursor = page.next
            if cursor is None:
                return

    def write() -> None:
        for one in ids[30:]:
            table.append({**decision, "id": one, "selected": ["acme/a"]})

    at_once([read, write])
    assert seen == sorted(set(seen), reverse=True)
    assert set(ids[:30]) <= set(seen)
