"""The commands of the build step, one file a subject. Heavy libraries are imported when a command runs.

Folders are looked for where the command is run, as in a checkout. Installed from a wheel, what is to be read and is not
there is the wheel's own: its registry, its artifact, and the artifact's embedder.
"""

from pathlib import Path

import click
import pointsman

_BUNDLE = Path(pointsman.__file__).parent / "_bundle"


def _here_or_bundled(here: Path, bundled: str) -> Path:
    return _BUNDLE / bundled if _BUNDLE.exists() and not here.exists() else here


EMBEDDERS = Path("build/embedders")
DEFAULT_EMBEDDER = _here_or_bundled(EMBEDDERS / "use-multilingual", "artifact/embedder")
WEIGHTS = Path("weights/default")
ARTIFACTS = Path("layers/artifacts")
ARTIFACT = _here_or_bundled(ARTIFACTS / "default", "artifact")
REGISTRY = _here_or_bundled(Path("registry"), "registry")
CACHE = Path("build/cache")

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
