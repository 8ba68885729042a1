"""The simulated fortnight: its requests, its count made apart, and a short one lived through the real proxies."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pointsman.history.sqlite import SqliteHistory

from benchmarks.fortnight.comparing import differences
from benchmarks.fortnight.ledger import Entry
from benchmarks.fortnight.workload import DAYS, START, Team, drawn
from tests.conftest import ROOT, MakeRouter

TEAM = Team("team-a", "auto", {})


def test_a_seed_draws_one_fortnight_of_every_day_and_kind() -> None:
    requests = drawn(2_000, 3)
    assert requests == drawn(2_000, 3)
    assert requests != drawn(2_000, 4)
    assert {one.at.date() for one in requests} == {(START + timedelta(days=day)).date() for day in range(DAYS)}
    assert [one.at for one in requests] == sorted(one.at for one in requests)
    assert min(Counter(one.fate for one in requests).values()) > 10
    assert len({one.team.name for one in requests}) == 2
    assert all(any(getattr(one, name) for one in requests) for name in ("stream", "routed", "max_tokens", "verdict"))
    turns = Counter((one.session, one.at) for one in requests)
    assert max(turns.values()) == 1
    assert sum(len({at for session, at in turns if session == one.session}) > 1 for one in requests) > 50


@pytest.fixture
def lived(make_router: MakeRouter, tmp_path: Path) -> tuple[list[Entry], Path, Path]:
    """A few decisions in shadow mode with what was paid, as the count made apart has them; history and registry."""
    db = tmp_path / "history.db"
    store = SqliteHistory(db)
    router = make_router(store)
    made = []
    for i in range(6):
        decision = router.decide(f"What is {i}+{i}?", caller=TEAM.name, observe=True, own_model="acme/strong")
        store.set_outcome(decision.id, "acme/strong", {"cost_usd": 0.5, "completed": i > 2})
        assert decision.shadow is not None
        made.append(
            Entry(
                at=datetime.fromisoformat(decision.ts),
                team=TEAM,
                chosen=tuple(decision.shadow["selected"]),
                chosen_usd=Decimal(str(decision.shadow["cost"])),
                chosen_p=Decimal(str(decision.shadow["expected_quality"])),
                own_usd=Decimal(str(decision.cost)),
                own_p=Decimal(str(decision.expected_quality)),
                strongest_usd=Decimal(str(decision.strongest.cost)),
                default_usd=None,
                paid_usd=Decimal("0.5"),
                priced_usd=None,
                judged=Decimal(i > 2),
            )
        )
    store.close()
    return made, db, tmp_path / "registry"


@pytest.mark.slow
def test_a_cent_or_a_request_more_is_found_in_every_form_of_the_report(lived: tuple[list[Entry], Path, Path]) -> None:
    made, db, registry = lived
    compared, wrong = differences(made, db, registry)
    assert wrong == []
    assert compared > 300
    cent = [replace(made[0], paid_usd=Decimal("0.51")), *made[1:]]
    for changed in (cent, made[1:], [replace(made[0], judged=None), *made[1:]]):
        wrong = differences(changed, db, registry)[1]
        assert {one.split(" ")[0] for one in wrong} == {"json", "csv", "table"}


@pytest.mark.slow
def test_a_short_fortnight_through_the_real_proxies_agrees_to_the_last_figure(clients_python: Path) -> None:
    assert clients_python.exists()
    command = [sys.executable, "-m", "benchmarks", "fortnight", "--requests", "150"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compared with the count made apart: 0 differ." in done.stdout
