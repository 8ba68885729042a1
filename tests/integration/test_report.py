"""`pointsman report` adds up what was decided and what was reported; the figures are counted here a second time."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pointsman.cli.main import cli
from pointsman.history import History
from pointsman.history.report import report
from pointsman.history.sqlite import SqliteHistory
from pointsman.registry import Registry, load_registry
from pointsman.routing.cost import usd_of_usage

from tests.conftest import MakeRouter, MakeTable, WriteRegistry

PROMPTS = [f"What is {i}+{i}?" for i in range(12)]


def fill(make_router: MakeRouter, history: History) -> list[dict[str, Any]]:
    """A dozen decisions: every second in shadow mode, every third with an outcome; as they are kept."""
    router = make_router(history)
    for i, prompt in enumerate(PROMPTS):
        shadow: dict[str, Any] = {"observe": True, "own_model": "acme/strong"} if i % 2 else {}
        made = router.decide(prompt, config="auto" if i % 4 else "strong", caller=f"team-{i % 3}", **shadow)
        if i % 3 == 0:
            outcome = {"completed": i % 2 == 0, "cost_usd": 0.25, "output_tokens": 10}
            history.set_outcome(made.id, made.selected[0], outcome)
    return list(history.decisions())


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["report", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_total_agrees_with_a_count_made_apart(make_router: MakeRouter, history: SqliteHistory) -> None:
    kept = fill(make_router, history)
    total = report(kept, "config")[-1]
    shadows = [one for one in kept if one["shadow"]]
    assert (total.decisions, total.compared, len(shadows)) == (12, 6, 6)
    assert total.own_usd == pytest.approx(sum(one["cost"] for one in shadows))
    assert total.beside_own_usd == pytest.approx(sum(one["shadow"]["cost"] for one in shadows))
    chosen = [one["shadow"]["cost"] if one["shadow"] else one["cost"] for one in kept]
    assert total.chosen_usd == pytest.approx(sum(chosen))
    assert total.strongest_usd == pytest.approx(sum(one["strongest"]["cost"] for one in kept))
    assert (total.reported, total.reported_usd) == (4, 1.0)
    assert (total.judged, total.judged_completion) == (4, 2.0)
    assert total.told()["saved_beside_own"] == pytest.approx(1 - total.beside_own_usd / total.own_usd, abs=1e-6)


@pytest.mark.parametrize("by", ["config", "model", "day", "caller"])
def test_the_groups_add_up_to_the_total(make_router: MakeRouter, history: SqliteHistory, by: Any) -> None:
    *lines, total = report(fill(make_router, history), by)
    assert sum(line.decisions for line in lines) == total.decisions == 12
    assert sum(line.chosen_usd for line in lines) == pytest.approx(total.chosen_usd)
    assert [line.group for line in lines] == sorted({line.group for line in lines})


def test_the_default_of_a_config_is_compared_where_it_was_a_candidate(
    make_router: MakeRouter, history: SqliteHistory
) -> None:
    kept = fill(make_router, history)
    total = report(kept, "config", {"auto": "acme/middle", "strong": None})[-1]
    of_auto = [one for one in kept if one["config"] == "auto"]
    costs = [next(c["cost"] for c in one["candidates"] if c["model_id"] == "acme/middle") for one in of_auto]
    assert total.with_default == len(of_auto)
    assert total.default_usd == pytest.approx(sum(costs))


def test_a_decision_without_a_price_is_counted_and_in_no_sum(make_router: MakeRouter, history: SqliteHistory) -> None:
    kept = fill(make_router, history)
    without = {**kept[0], "cost": None, "shadow": None}
    total = report([without], "config")[-1]
    assert (total.decisions, total.unpriced, total.chosen_usd, total.told()["saved_beside_strongest"]) == (
        1,
        1,
        0,
        None,
    )


def test_both_stores_tell_the_same(make_router: MakeRouter, history: SqliteHistory, aws: MakeTable) -> None:
    def comparable(store: History) -> list[dict[str, Any]]:
        return [line.told() for line in report(fill(make_router, store), "config")]

    assert comparable(aws()) == comparable(history)


def test_the_command_prints_a_table_json_and_csv(make_router: MakeRouter, tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = SqliteHistory(path)
    fill(make_router, store)
    store.close()
    table = run("--db", str(path))
    assert table.splitlines()[0].split()[:3] == ["config", "decisions", "chosen"]
    assert table.splitlines()[-1].split()[:2] == ["total", "12"]
    document = json.loads(run("--db", str(path), "--format", "json", "--by", "caller"))
    assert [line["group"] for line in document["lines"]] == ["team-0", "team-1", "team-2", "total"]
    rows = list(csv.DictReader(io.StringIO(run("--db", str(path), "--format", "csv", "--caller", "team-1"))))
    assert [(row["group"], row["decisions"]) for row in rows][-1] == ("total", "4")
    assert (
        json.loads(run("--db", str(path), "--format", "json", "--since", "2999-01-01"))["lines"][-1]["decisions"] == 0
    )


def test_an_empty_history_is_a_report_of_nothing(tmp_path: Path) -> None:
    assert run("--db", str(tmp_path / "new.db")).splitlines()[-1].split() == ["total", "0", "0.0000", "0.0000"]


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["report", "--db", str(tmp_path / "new.db"), "--since", "yesterday"])
    assert "--since 'yesterday': neither a date nor a time" in str(done.exception)


def test_tokens_without_a_cost_are_priced_by_the_registry_and_never_called_reported(
    make_router: MakeRouter, tmp_path: Path
) -> None:
    path = tmp_path / "history.db"
    store = SqliteHistory(path)
    router = make_router(store)
    made = [router.decide(prompt) for prompt in PROMPTS[:5]]
    usage = {"input_tokens": 1_000, "output_tokens": 2_000}
    outcomes: list[dict[str, Any]] = [
        usage,
        {**usage, "cost_usd": 0.5},
        {"output_tokens": 2_000},
        {"completed": True},
        {**usage, "cost_usd": 0.0},
    ]
    for decision, outcome in zip(made, outcomes, strict=True):
        store.set_outcome(decision.id, decision.selected[0], outcome)
    price = list_price(router.registry, made[0].selected[0])
    total = report(store.decisions(), "config", None, price)[-1]
    assert (total.reported, total.reported_usd) == (2, 0.5)
    assert total.priced == 1
    assert total.priced_usd == pytest.approx(price(made[0].selected[0], made[0].to_dict()["ts"], 1_000, 0, 2_000))
    assert total.expected_of_priced_usd == pytest.approx(made[0].cost)
    assert total.expected_usd == pytest.approx(made[1].cost + made[4].cost)
    assert total.tokens_alone == 1
    unknown = report(store.decisions(), "config")[-1]
    assert (unknown.priced, unknown.priced_usd, unknown.tokens_alone) == (0, 0.0, 2)
    store.close()


def list_price(registry: Registry, served: str) -> Callable[[str, str, int, int, int], float]:
    model = registry.candidate(served).model
    read, written = model.input_cost_per_1k, model.output_cost_per_1k
    assert read is not None
    assert written is not None

    def price(name: str, ts: str, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        assert (name, ts[:2], cached_tokens) == (served, "20", 0)
        return (input_tokens * read + output_tokens * written) / 1000

    return price


PRICED = """
model_id: acme/m
provider: acme
context_length: 1000000
input_cost_per_1m: 2
output_cost_per_1m: 10
cached_input_cost_per_1m: 0.5
long_context: [{above: 100000, input_cost_per_1m: 4, output_cost_per_1m: 20}]
prices: [{from: 2026-11-10, input_cost_per_1m: 1, output_cost_per_1m: 5}]
source_urls: [https://example.com]
source_quality: official
as_of: 2026-01-01
"""
FREE = re.sub("(?m)^(input_cost|output_cost|cached|long|prices).*", "", PRICED.replace("acme/m", "acme/u"))


def test_a_usage_is_priced_by_the_list_of_its_time(write_registry: WriteRegistry) -> None:
    config = "name: auto\ndescription: all\nmodels: [acme/m, acme/u]\n"
    unknown = f"{FREE}price: unknown\n"
    registry = load_registry(write_registry({"m.yaml": PRICED, "u.yaml": unknown}, {"auto.yaml": config}))
    before, after = datetime(2026, 11, 9, 23, 59, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)

    def usd(name: str, at: datetime, read: int, cached: int, written: int) -> float | None:
        return usd_of_usage(registry, name, at, read, cached, written)

    assert usd("acme/m", before, 1_000, 400, 100) == pytest.approx(600 * 2e-6 + 400 * 0.5e-6 + 100 * 10e-6)
    assert usd("acme/m", before, 200_000, 0, 100) == pytest.approx(200_000 * 4e-6 + 100 * 20e-6)
    assert usd("acme/m", after, 1_000, 400, 100) == pytest.approx(1_000 * 1e-6 + 100 * 5e-6)
    assert usd("acme/gone", after, 1_000, 400, 100) is None
    assert usd("acme/u", after, 1_000, 400, 100) is None


def test_the_table_tells_priced_tokens_and_the_default_and_leaves_out_what_it_has_no_figure_of(
    make_router: MakeRouter, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    config = folder / "routers/auto.yaml"
    path = tmp_path / "history.db"
    store = SqliteHistory(path)
    made = make_router(store).decide(PROMPTS[0])
    store.set_outcome(made.id, made.selected[0], {"input_tokens": 1_000_000, "output_tokens": 0})
    store.close()
    head, row, _ = run("--db", str(path), "--registry", str(folder)).splitlines()
    assert head.split() == [
        *("config", "decisions", "chosen", "$", "strongest", "$", "saved", "priced", "$", "of", "completed")
    ]
    cost = {"acme/weak": "0.1000", "acme/middle": "1.0000", "acme/strong": "10.0000"}[made.selected[0]]
    assert row.split()[-3:-1] == [cost, "1"]
    config.write_text(f"{config.read_text()}default_model: acme/strong\n")
    head, row, _ = run("--db", str(path), "--registry", str(folder)).splitlines()
    assert head.split()[7:10] == ["default", "$", "saved"]
    strong = next(one.cost for one in made.candidates if one.model_id == "acme/strong")
    assert row.split()[5:7] == [f"{strong:.4f}", f"{1 - made.cost / strong:.1%}"]
