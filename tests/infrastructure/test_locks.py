"""The lock files: every package that is installed has a version and hashes, and they are what pyproject.toml allows."""

import json
import re
import tomllib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lock import ALL, HEADER, Lock, pinned
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLIENT = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILD_SYSTEM = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]


def asked(*texts: str) -> list[Requirement]:
    """The requirements of texts, with an extra of this project replaced by what it stands for, less our own client."""
    found = []
    for text in texts:
        one = Requirement(text)
        if one.name == "pointsman":
            for extra in one.extras:
                found += asked(*PROJECT["optional-dependencies"][extra])
        elif one.name == "pointsman-client":
            found += asked(*of_project(CLIENT, one.extras))
        else:
            found.append(one)
    return found


def of_project(project: dict[str, Any], extras: Iterable[str]) -> list[str]:
    """What a project and some of its extras ask for."""
    more = [text for extra in extras for text in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *more]


def requirements_of(lock: Lock) -> list[Requirement]:
    found = []
    for source in lock.sources:
        if source.endswith("pyproject.toml"):
            extras = [value for option, value in pairwise(lock.options) if option == "--extra"]
            found += asked(*of_project(PROJECT if source == "pyproject.toml" else CLIENT, extras))
        else:
            lines = (line.split("#")[0].strip() for line in (ROOT / source).read_text().splitlines())
            found += asked(*(line for line in lines if line))
    return found


@pytest.mark.parametrize("lock", ALL, ids=lambda lock: lock.name)
def test_a_lock_holds_a_version_that_is_allowed_of_everything_asked_for(lock: Lock) -> None:
    versions: dict[str, list[str]] = {}
    for name, version in pinned(ROOT / lock.path):
        versions.setdefault(canonicalize_name(name), []).append(version)
    for one in requirements_of(lock):
        found = versions.get(canonicalize_name(one.name), [])
        assert found, f"{one} is not in {lock.path}: make update-lock"
        assert all(one.specifier.contains(version, prereleases=True) for version in found), f"{one}: make update-lock"


@pytest.mark.parametrize("lock", [lock for lock in ALL if lock.hashes], ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_hashes(lock: Lock) -> None:
    entries = re.split(r"^(?=\S)", (ROOT / lock.path).read_text().removeprefix(HEADER), flags=re.MULTILINE)
    assert len(entries) > 3
    for entry in filter(None, entries):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


def test_no_lock_says_where_packages_come_from() -> None:
    for path in (ROOT / "locks").iterdir():
        assert not re.search(r"://|index-url", path.read_text()), path
    for path in ROOT.glob("tests/*/package-lock.json"):
        packages = json.loads(path.read_text())["packages"]
        assert all("integrity" in one and "resolved" not in one for name, one in packages.items() if name), path


def test_the_locks_are_those_that_the_makefiles_install() -> None:
    makefiles = "".join((ROOT / name).read_text() for name in ("Makefile", "layers/Makefile"))
    named = set(re.findall(r"(?:locks|\$\(LOCKS\))/([a-z0-9-]+)\.txt", makefiles))
    assert named == {lock.name for lock in ALL}


def test_what_the_layers_get_is_what_a_laptop_gets() -> None:
    everywhere = set(pinned(ROOT / "locks/dev.txt"))
    for name in ("layer-light", "layer-embedding", "serve", "build"):
        assert set(pinned(ROOT / f"locks/{name}.txt")) <= everywhere


def test_the_package_is_built_by_what_it_asks_for() -> None:
    asked_for = [line for line in Path(ROOT / "locks/build.in").read_text().splitlines() if not line.startswith("#")]
    assert asked_for == BUILD_SYSTEM["requires"]


def test_torch_is_in_no_lock_but_its_own() -> None:
    with_torch = [lock.name for lock in ALL if "torch" in dict(pinned(ROOT / lock.path))]
    assert with_torch == ["reference"]
