"""Writes the lock files anew: every package that a make target installs, with its version and the hashes of its files.

    python -m scripts.lock             what is pinned stays, as long as pyproject.toml allows it
    python -m scripts.lock --upgrade   everything as new as pyproject.toml allows (make update-lock)

One resolution (`dev`) holds for all of them; the others are parts of it. The layers' two files are resolved for
Lambda's Python. torch is the exception: which build of it a machine needs, with or without CUDA, no lock can know, so
`reference` pins its version alone. No file names where packages come from: that is the machine's own setting.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pointsman.errors import PointsmanError

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path("locks")
HEADER = "# Written by `make update-lock`; edit pyproject.toml or the .in file, not this.\n"
EVERYWHERE = ("--universal", "--python-version", "3.11", "--no-emit-package", "pointsman-client")
LAMBDA = ("--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_34")
WITHIN_DEV = ("--constraint", str(LOCKS / "dev.txt"))


@dataclass(frozen=True)
class Lock:
    """One file: what it is resolved from, and how."""

    name: str
    sources: tuple[str, ...]
    options: tuple[str, ...]
    hashes: bool = True

    @property
    def path(self) -> Path:
        return LOCKS / f"{self.name}.txt"


def of_extra(name: str, extra: str, *options: str) -> Lock:
    return Lock(name, ("pyproject.toml", str(LOCKS / "build.in")), ("--extra", extra, *EVERYWHERE, *options))


# The first holds for those that name it as their constraint.
ALL = (
    of_extra("dev", "dev"),
    of_extra("serve", "export", *WITHIN_DEV),
    of_extra("build", "build", *WITHIN_DEV),
    Lock("reference", ("locks/reference.in",), (*EVERYWHERE, "--no-deps"), hashes=False),
    Lock("layer-light", ("layers/dependencies/light.in",), (*LAMBDA, *WITHIN_DEV)),
    # onnxruntime names packages that only its converters use, and tokenizers one that only downloads.
    Lock("layer-embedding", ("layers/dependencies/embedding.in",), (*LAMBDA, *WITHIN_DEV, "--no-deps")),
    Lock(
        "clients",
        ("clients/python/pyproject.toml", "clients/requirements.in"),
        ("--extra", "litellm", "--extra", "llm", *EVERYWHERE),
    ),
    Lock("sam", ("scripts/sam_local/requirements.in",), EVERYWHERE),
    Lock("policy", ("scripts/sam_local/policy-requirements.in",), EVERYWHERE),
)


def write(lock: Lock, *, upgrade: bool) -> None:
    """Resolve one file and write it.

    Raises:
        PointsmanError: it cannot be resolved, or the result names an address.
    """
    path = ROOT / lock.path
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", *lock.options]
    command += [*lock.sources, "--output-file", str(lock.path)]
    command += ["--generate-hashes"] * lock.hashes + ["--upgrade"] * upgrade
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PointsmanError(f"{lock.path}: cannot be resolved. {done.stderr.strip()[-2000:]}")
    text = path.read_text(encoding="utf-8").removeprefix(HEADER)
    if "://" in text:
        raise PointsmanError(f"{lock.path}: names an address; unset what names one in uv's own settings.")
    path.write_text(HEADER + text, encoding="utf-8")


def pinned(path: Path) -> list[tuple[str, str]]:
    """Package and version of every line of a lock file; one that depends on the Python version is there twice."""
    return list(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==([^\s;\\]+)", path.read_text(), re.MULTILINE))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the lock files anew.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that are allowed")
    upgrade = parser.parse_args().upgrade
    for lock in ALL:
        try:
            write(lock, upgrade=upgrade)
        except PointsmanError as error:
            sys.exit(f"lock: {error.detail}")
        print(f"{lock.path}: {len(pinned(ROOT / lock.path))} packages")


if __name__ == "__main__":
    main()
