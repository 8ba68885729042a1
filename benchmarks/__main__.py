"""`make bench`: speed and memory of a decision, beside the package that the embedder's weights come from.

Every comparison runs side by side in one process or in alternating turns, since machines are noisy: read the
ratios. Nothing here is a test.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchmarks import (
    decisions,
    dialects,
    embedding,
    fortnight,
    gateways,
    history,
    hostile,
    load,
    page,
    server,
    sessions,
    telemetry,
)

SECTIONS: dict[str, Callable[[], None]] = {
    "embedding": embedding.main,
    "decisions": decisions.main,
    "history": history.main,
    "server": server.main,
    "hostile": hostile.main,
    "load": load.main,
    "dialects": dialects.main,
    "gateways": gateways.main,
    "sessions": sessions.main,
    "page": page.main,
    "telemetry": telemetry.main,
}


def commit() -> str:
    """The commit that is measured, if this is a checkout."""
    found = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all sections, or those that are named. `fortnight` is none of all: it takes long, and options of its own."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["fortnight"]:
        _print_place()
        fortnight.main(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"any of: {', '.join(SECTIONS)}; or fortnight alone")
    names = parser.parse_args(arguments).sections or list(SECTIONS)
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    _print_place()
    for name in names:
        print(f"\n## {name}\n")
        SECTIONS[name]()


def _print_place() -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, Python {platform.python_version()}, {platform.machine()}")


if __name__ == "__main__":
    main()
