"""The simulated fortnight: its requests, its count made apart, and a short one lived through the real proxies."""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pointsman.history.sqlite import SqliteHistory

from benchmarks.fortnight.astray import Astray, Kept, Told, as_kept, astray, kept_in, which
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


def test_what_went_astray_is_told_by_name_and_nothing_else_is() -> None:
    requests = drawn(200, 1)
    told = {one.tag: Told(200, f"id-{one.tag}" if one.routed else None) for one in requests}
    decided = {f"id-{one.tag}": which(one) for one in requests if one.routed}
    kept = Kept(decided, frozenset(decided))
    assert astray(requests, told, told, kept) == ({}, [])
    one = next(sent for sent in requests if sent.routed)
    never = next(sent for sent in requests if not sent.routed)
    key = f"id-{one.tag}"
    less = Kept({name: decided[name] for name in decided if name != key}, kept.used - {key})

    def found(answer: Told | None, history: Kept = kept, tag: str = one.tag) -> tuple[str, list[str]]:
        answers = {**told, tag: answer} if answer else {name: told[name] for name in told if name != tag}
        lost, nobodys = astray(requests, answers, told, history)
        assert set(lost) == {tag}
        return str(lost[tag]), nobodys

    assert found(Told(200, None, "unreachable"), less) == ("not decided (unreachable)", [])
    assert found(Told(200, None, "slow")) == ("given up and kept (slow)", [])
    assert found(Told(200, None, "resting")) == ("not decided (resting)", [key])
    assert found(Told(200, key, "not_recorded"), less) == ("not kept (not_recorded)", [])
    assert found(Told(200, key), less) == ("not kept (nothing was said)", [])
    assert found(Told(200, key, "not_recorded")) == ("kept all the same (not_recorded)", [])
    assert found(Told(200, key), Kept(decided, less.used)) == ("not reported (nothing was said)", [])
    assert found(None) == ("given up and kept (the connection to the proxy broke)", [])
    assert found(None, less) == ("not answered (the connection to the proxy broke)", [])
    assert found(Told(200, "x"), kept, never.tag) == (f"never to be ({never.group})", [])
    # A decision that was made twice belongs to no request.
    assert astray(requests, told, told, Kept({**decided, "twice": which(one)}, kept.used)) == ({}, ["twice"])


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
                tag=f"f-{i}",
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
    unpaid = [replace(one, paid_usd=None) for one in made]
    stranger = replace(made[0], team=Team("team-b", "auto", {}), at=made[0].at + timedelta(days=1), chosen=("acme/x",))
    for changed in (cent, made[1:], [replace(made[0], judged=None), *made[1:]], unpaid, [*made, stranger]):
        wrong = differences(changed, db, registry)[1]
        assert {one.split(" ")[0] for one in wrong} == {"json", "csv", "table"}


@pytest.mark.slow
def test_what_went_astray_differs_and_the_count_agrees_without_it(lived: tuple[list[Entry], Path, Path]) -> None:
    made, db, registry = lived
    with closing(sqlite3.connect(db)) as history, history:
        ids = [key for (key,) in history.execute("SELECT id FROM summaries ORDER BY id")]
        history.execute("DELETE FROM outcomes WHERE decision_id = ?", (ids[-1],))
    kept = kept_in(db)
    assert (list(kept.decisions), kept.used) == (ids, frozenset())
    assert kept.decisions[ids[0]][1:] == (TEAM.name, "acme/strong")
    made = [*made[:5], replace(made[5], judged=None), replace(made[0], tag="lost")]
    assert differences(made, db, registry)[1]
    fates = {"lost": Astray("not decided", "unreachable"), made[5].tag: Astray("given up and kept", "slow")}
    assert differences(as_kept(made, fates), db, registry)[1] == []


@pytest.mark.slow
def test_a_short_fortnight_through_the_real_proxies_agrees_to_the_last_figure(clients_python: Path) -> None:
    assert clients_python.exists()
    command = [sys.executable, "-m", "benchmarks", "fortnight", "--requests", "150"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compared with the count made apart: 0 differ." in done.stdout
