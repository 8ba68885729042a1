"""One wheel with everything: library, artifact, registry and page, so that `pip install` of it is enough.

The package is staged in a folder of its own, with the data under `pointsman/_bundle`; the source tree is
never changed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.registry import load_registry

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("layers/pointsman/python/pointsman")


def build_wheel(out: Path, artifact: Path, registry: Path, web: Path) -> Path:
    """Build the wheel into `out` and give its path; what goes in is checked first.

    Raises:
        ArtifactError, RegistryError: what is to be bundled cannot be used.
        RuntimeError: the build failed; the message is the builder's.
    """
    load_embedder(load_artifact(artifact))
    load_registry(registry)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, stage / name)
        shutil.copytree(ROOT / PACKAGE, stage / PACKAGE, ignore=shutil.ignore_patterns("__pycache__", "_bundle"))
        for name, source in (("artifact", artifact), ("registry", registry), ("web", web)):
            shutil.copytree(source, stage / PACKAGE / "_bundle" / name)
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            str(stage / "dist"),
            ".",
        ]
        result = subprocess.run(command, cwd=stage, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"pip wheel failed: {result.stderr.strip()[-500:]}")
        (built,) = (stage / "dist").glob("*.whl")
        out.mkdir(parents=True, exist_ok=True)
        part = out / f".{built.name}.part"
        shutil.copy(built, part)
        return part.rename(out / built.name)
