"""A page of history with 100 and with 1,000,000 decisions; and what a durable append costs."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pointsman.history import Filter
from pointsman.history.base import summary_of
from pointsman.history.ids import Ids, timestamp
from pointsman.history.sqlite import SqliteHistory

from artifacts_build.markdown import head
from benchmarks.decisions import router_of_48
from benchmarks.timing import alternate

SIZES = (100, 1_000_000)
START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIGS = ("auto", "cheap-pair", "quality-pair")


def main() -> None:
    """Print page times of both sizes side by side."""
    decision = router_of_48().decide("What is 1+1?", "all").to_dict()
    with tempfile.TemporaryDirectory() as folder:
        stores = {size: filled(Path(folder) / f"{size}.db", size, decision) for size in SIZES}
        print(head(["page", *(f"{size:,} rows: p50 / p95 ms" for size in SIZES), "ratio of p50"]))
        for name, where in {
            "first 10": Filter(),
            "first 10 of a config": Filter(config="auto"),
            "first 10 of a model": Filter(model="acme/m1"),
        }.items():
            took = alternate({str(n): partial(store.page, 10, None, where) for n, store in stores.items()})
            row(name, [took[str(size)] for size in SIZES])
        deep = {n: store.page(50).next for n, store in stores.items()}
        middle = {n: cursor_at(store, n // 2) for n, store in stores.items()}
        for name, cursors in {"50 from the 51st": deep, "50 from the middle": middle}.items():
            took = alternate({str(n): partial(stores[n].page, 50, cursors[n]) for n in SIZES})
            row(name, [took[str(size)] for size in SIZES])
        ids = Ids()

        def append(store: SqliteHistory) -> None:
            store.append({**decision, "id": ids.next(datetime.now(UTC))})

        took = alternate({str(n): partial(append, stores[n]) for n in SIZES}, turns=5)
        row("durable append", [took[str(size)] for size in SIZES])
        for store in stores.values():
            store.close()


def row(name: str, took: list[tuple[float, float]]) -> None:
    """Print a row of the table."""
    cells = " | ".join(f"{p50:.3f} / {p95:.3f}" for p50, p95 in took)
    print(f"| {name} | {cells} | {took[-1][0] / took[0][0]:.2f} |")


def cursor_at(store: SqliteHistory, row_number: int) -> str | None:
    """The cursor behind about this many rows: that of a page that ends there in time."""
    return store.page(1, None, Filter(until=START + timedelta(seconds=row_number))).next


def filled(path: Path, size: int, decision: dict[str, Any]) -> SqliteHistory:
    """A store with `size` summaries, one a second; bodies are left out, since no page reads them."""
    store = SqliteHistory(path)
    with store._transaction() as db:
        for i in range(size):
            instant = START + timedelta(seconds=i)
            key, config, model = Ids().next(instant), CONFIGS[i % 3], f"acme/m{i % 7}"
            one = {**decision, "id": key, "ts": timestamp(instant), "config": config, "selected": [model]}
            db.execute("INSERT INTO summaries VALUES (?, ?, NULL, ?)", (key, config, json.dumps(summary_of(one))))
            db.execute("INSERT INTO selected VALUES (?, ?)", (model, key))
    return store
