"""A layer is the same bytes wherever it is built, and a document beside it says what is in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.layers import bill_of_materials
from tests.conftest import ROOT

SETTLE = ROOT / "layers/dependencies/settle.py"


def settled(folder: Path) -> str:
    done = subprocess.run([sys.executable, SETTLE, folder], check=True, capture_output=True, text=True)
    return done.stdout


def a_layer(folder: Path) -> Path:
    package = folder / "python/two"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("x = 1\n")
    (package / "tool").write_text("#!/bin/sh\n")
    (package / "tool").chmod(0o755)
    info = folder / "python/Two_Words-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: Two_Words\nVersion: 1.2\nLicense-Expression: MIT\n")
    return folder


def test_times_and_masks_of_the_machine_change_nothing(tmp_path: Path) -> None:
    one, other = a_layer(tmp_path / "one"), a_layer(tmp_path / "other")
    for path in other.rglob("*"):
        path.chmod(0o775 if path.is_dir() or path.name == "tool" else 0o664)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert settled(one) == settled(other)
    for folder in (one, other):
        assert {path.stat().st_mtime for path in folder.rglob("*")} == {315_532_800.0}
    archives = [shutil.make_archive(str(folder), "zip", folder) for folder in (one, other)]
    assert Path(archives[0]).read_bytes() == Path(archives[1]).read_bytes()


def test_a_changed_byte_name_or_permission_changes_the_digest(tmp_path: Path) -> None:
    folder = a_layer(tmp_path / "layer")
    seen = {settled(folder)}
    (folder / "python/two/__init__.py").write_text("x = 2\n")
    seen.add(settled(folder))
    (folder / "python/two/__init__.py").rename(folder / "python/two/other.py")
    seen.add(settled(folder))
    (folder / "python/two/tool").chmod(0o644)
    seen.add(settled(folder))
    assert len(seen) == 4
    assert all(line.startswith("sha256:") and "3 files" in line for line in seen)


def test_what_is_in_a_layer_is_told_as_cyclonedx_with_versions_and_licences(tmp_path: Path) -> None:
    document = bill_of_materials("ServingLayer", a_layer(tmp_path), "ab" * 32)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None
    (part,) = json.loads(document)["components"]
    assert (part["name"], part["version"], part["purl"]) == ("two-words", "1.2", "pkg:pypi/two-words@1.2")
    assert part["licenses"] == [{"license": {"id": "MIT"}}]
    assert document == bill_of_materials("ServingLayer", tmp_path, "ab" * 32)


def test_the_artifacts_own_files_are_told_with_their_hashes(artifact_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    shutil.copy(artifact_folder / "manifest.json", tmp_path / "artifact")
    document = bill_of_materials("ArtifactLayer", tmp_path, "cd" * 32)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None
    files = json.loads((artifact_folder / "manifest.json").read_text())["files"]
    told = {one["name"]: one["hashes"][0]["content"] for one in json.loads(document)["components"]}
    assert told == {name: entry["sha256"] for name, entry in files.items()}
