"""One wheel with everything: library, build step, artifact, registry and page, so that `pip install` of it is enough.

The package is staged in a folder of its own, with the data under `pointsman/_bundle` and the build step beside it; the
source tree is never changed. The same sources give the same bytes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.errors import StartupError
from pointsman.registry import load_registry

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path("layers/pointsman/python")
CLIENT = Path("clients/python")
BESIDE = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
# The first day that a zip file can name.
LONG_AGO = "315532800"


def build_wheel(out: Path, artifact: Path, registry: Path, web: Path) -> Path:
    """Build the wheel into `out` and give its path; what goes in is checked first.

    Raises:
        ArtifactError, RegistryError: what is to be bundled cannot be used.
        StartupError: this is not a checkout: a wheel holds no sources to build another one from.
        RuntimeError: the build failed; the message is the builder's.
    """
    if not (ROOT / "pyproject.toml").exists():
        raise StartupError(f"{ROOT}: no pyproject.toml here. Build a wheel in a checkout, with `make wheel`.")
    load_embedder(load_artifact(artifact))
    load_registry(registry)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        for name in BESIDE:
            shutil.copy(ROOT / name, stage / name)
        unwanted = shutil.ignore_patterns("__pycache__", "_bundle")
        shutil.copytree(ROOT / SOURCES / "pointsman", stage / SOURCES / "pointsman", ignore=unwanted)
        shutil.copytree(ROOT / "artifacts_build", stage / SOURCES / "artifacts_build", ignore=unwanted)
        for name, source in (("artifact", artifact), ("registry", registry), ("web", web)):
            shutil.copytree(source, stage / SOURCES / "pointsman/_bundle" / name)
        return _kept(_built(stage), out)


def build_client_wheel(out: Path) -> Path:
    """Build the client's own wheel into `out` and give its path; it needs httpx and nothing of the server.

    Raises:
        StartupError: this is not a checkout.
        RuntimeError: the build failed; the message is the builder's.
    """
    if not (ROOT / CLIENT).exists():
        raise StartupError(f"{ROOT}: no {CLIENT} here. Build a wheel in a checkout, with `make wheel`.")
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "client"
        unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
        shutil.copytree(ROOT / CLIENT, stage, ignore=unwanted)
        return _kept(_built(stage), out)


def _kept(built: Path, out: Path) -> Path:
    """A wheel in its place, whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    part = out / f".{built.name}.part"
    shutil.copy(built, part)
    return part.rename(out / built.name)


def _built(stage: Path) -> Path:
    """The wheel of a staged source tree. What builds it is the environment's own: nothing is fetched."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--wheel-dir", str(stage / "dist"), "."]
    dated = {**os.environ, "SOURCE_DATE_EPOCH": LONG_AGO}
    result = subprocess.run(command, cwd=stage, env=dated, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"pip wheel failed: {result.stderr.strip()[-500:]}")
    (built,) = (stage / "dist").glob("*.whl")
    return built
