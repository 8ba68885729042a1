"""`make mutants`: change one operator, number or call at a time, and see whether a test turns red.

What decides and what keeps is mutated with mutmut, in a copy of the checkout under build/mutants; a mutant that no test
notices survives and is printed with its change. docs/results-tests.md says of each that stays why it may.

    python -m scripts.mutants [policy pricing ...]     only these groups
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from artifacts_build.markdown import table

ROOT = Path(__file__).resolve().parents[1]
STAGE = ROOT / "build/mutants"  # a folder a group, so that groups may run side by side
LIBRARY = ROOT / "layers/pointsman/python/pointsman"

# What is mutated, and the tests that must notice.
GROUPS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "policy": (
        ["routing/policy.py", "routing/fallbacks.py"],
        ["tests/unit/test_policy.py", "tests/unit/test_fallbacks.py"],
    ),
    "cost": (
        ["routing/cost.py", "routing/forecast.py"],
        ["tests/unit/test_cost.py", "tests/unit/test_forecast.py", "tests/unit/test_registry_prices.py"],
    ),
    "prices": (["registry/prices.py"], ["tests/unit/test_registry_prices.py", "tests/unit/test_cost.py"]),
    "predictor": (
        [
            "routing/predictor.py",
            "routing/refinement.py",
            "routing/hierarchy.py",
            "routing/difficulty.py",
            "routing/work.py",
        ],
        [
            "tests/unit/test_predictor.py",
            "tests/unit/test_predictor_formula.py",
            "tests/unit/test_predictor_files.py",
            "tests/unit/test_refinement.py",
            "tests/unit/test_hierarchy.py",
            "tests/unit/test_hierarchy_formula.py",
            "tests/unit/test_difficulty.py",
            "tests/unit/test_work.py",
        ],
    ),
    "view": (["routing/view.py"], ["tests/unit/test_view.py"]),
    "bearer": (["auth/bearer.py"], ["tests/unit/test_bearer.py", "tests/unit/test_bearer_document.py"]),
    "history": (
        ["history/base.py", "history/ids.py", "history/sqlite.py"],
        [
            "tests/contract/test_history.py",
            "tests/contract/test_expiring.py",
            "tests/integration/test_sqlite.py",
            "tests/integration/test_sqlite_changed.py",
            "tests/integration/test_sqlite_promises.py",
            "tests/integration/test_keeping.py",
            "tests/unit/test_decision.py",
            "tests/unit/test_history_base.py",
        ],
    ),
    "dynamodb": (
        ["history/dynamodb.py", "history/dynamodb_table.py"],
        [
            "tests/contract/test_history.py",
            "tests/contract/test_expiring.py",
            "tests/unit/test_dynamodb_table.py",
            "tests/integration/test_dynamodb.py",
            "tests/integration/test_dynamodb_promises.py",
            "tests/integration/test_keeping.py",
        ],
    ),
}
# Left out by the words of their ids: of the tests that every store must pass, those of the other stores; one that
# takes 40 s; and those that want the registry of a checkout, which the stage has elsewhere.
LEFT_OUT = {"history": "dynamodb or dynalite", "dynamodb": "sqlite or dynalite or thousands or with_48_candidates"}
# What an SQL statement begins its clauses with, and the names of its tables: SQLite reads it in any letter case.
SQL = re.compile(
    r"SELECT |INSERT |DELETE |WHERE |FROM |ORDER BY |PRAGMA |BEGIN |COMMIT|ROLLBACK|\b[sm]\.[a-z]|summaries s"
)
COPIED = ("tests", "registry", "weights", "functions", "scripts", "artifacts_build", "docs", "web", "benchmarks")


def main(names: Sequence[str]) -> int:
    """Run the groups named, or all of them; 1 where a mutant survived."""
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        print(f"no such group: {', '.join(unknown)}; there are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    rows = [(name, *run(name)) for name in names or GROUPS]
    lines = []
    for name, killed, survivors in rows:
        total = killed + len(survivors)
        share = f"{killed / total:.1%}" if total else "–"
        lines.append([name, total, killed, len(survivors), share])
    print(f"\n{table(['group', 'mutants', 'killed', 'survived', 'share killed'], lines)}")
    return 1 if any(survivors for _, _, survivors in rows) else 0


def run(name: str) -> tuple[int, list[str]]:
    """How many mutants of a group were killed, and the names of those that were not; their changes are printed."""
    files, tests = GROUPS[name]
    stage = STAGE / name
    prepare(stage, files, tests, LEFT_OUT.get(name))
    # mutmut imports the mutated package by its place under src/; an editable install would win over it.
    environment = {**os.environ, "PYTHONPATH": str(stage / "mutants/src"), "OMP_NUM_THREADS": "1"}
    (stage / "mutants/src").mkdir(parents=True)
    mutmut = [sys.executable, "-m", "mutmut"]
    log = stage / "log.txt"
    with log.open("w") as out:
        done = subprocess.run([*mutmut, "run"], cwd=stage, env=environment, stdout=out, stderr=subprocess.STDOUT)
    results = subprocess.run(
        [*mutmut, "results", "--all", "true"], cwd=stage, env=environment, capture_output=True, text=True
    )
    states = dict(line.strip().rsplit(": ", 1) for line in results.stdout.splitlines() if ": " in line)
    if done.returncode or not states:
        raise SystemExit(f"mutmut did not run: see {log}")
    survivors = []
    for mutant, state in list(states.items()):
        if state not in ("survived", "no tests", "suspicious"):
            continue
        shown = subprocess.run([*mutmut, "show", mutant], cwd=stage, env=environment, capture_output=True, text=True)
        if is_same_sql(shown.stdout):
            del states[mutant]
            continue
        survivors.append(mutant)
        print(f"\n{mutant}: {state}\n{shown.stdout.strip()}", flush=True)
    return len(states) - len(survivors), survivors


def is_same_sql(change: str) -> bool:
    """Whether a change, as a diff shows it, is only one of the letter case of an SQL statement: no change at all."""
    lines = [line for line in change.splitlines() if not line.startswith(("---", "+++"))]
    old, new = (" ".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+")
    literals = [re.findall("'[^']*'", one) for one in (old, new)]
    return bool(SQL.search(old)) and old.casefold() == new.casefold() and literals[0] == literals[1]


def prepare(stage: Path, files: Sequence[str], tests: Sequence[str], left_out: str | None) -> None:
    """A copy of what the tests need, with the library under src/, as mutmut looks for it."""
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(LIBRARY, stage / "src/pointsman", ignore=shutil.ignore_patterns("__pycache__", "_bundle"))
    bundle = stage / "src/pointsman/_bundle"  # where the package looks for its data first, as in a wheel
    bundle.mkdir()
    for name, source in (("artifact", "layers/artifacts/default"), ("registry", "registry"), ("web", "web")):
        (bundle / name).symlink_to(ROOT / source)
    for name in COPIED:
        (stage / name).symlink_to(ROOT / name)
    (stage / "layers").mkdir()
    (stage / "layers/artifacts").symlink_to(ROOT / "layers/artifacts")
    chosen = ["-k", f"not ({left_out})"] if left_out else []
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/pointsman/{file}" for file in files],
        "also_copy": [*COPIED, "layers"],
        "pytest_add_cli_args": ["-q", "-p", "no:cacheprovider", "-W", "default", *chosen],
        "pytest_add_cli_args_test_selection": list(tests),
        # A mutant that hangs is stopped after four times what its tests took and 20 s; not 15 times.
        "timeout_multiplier": 4.0,
        "timeout_constant": 5.0,
    }
    pytest = (ROOT / "pyproject.toml").read_text().partition("[tool.pytest.ini_options]")[2].partition("\n[")[0]
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    text = "\n".join(["[tool.mutmut]", *lines, "", "[tool.pytest.ini_options]", pytest.strip(), ""])
    (stage / "pyproject.toml").write_text(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
