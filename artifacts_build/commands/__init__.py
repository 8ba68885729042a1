"""The commands of the build step, one file a subject. Heavy libraries are imported when a command runs."""

from pathlib import Path

import click

EMBEDDERS = Path("build/embedders")
DEFAULT_EMBEDDER = EMBEDDERS / "use-multilingual"
WEIGHTS = Path("weights/default")
ARTIFACT = Path("layers/artifacts/default")
CACHE = Path("build/cache")

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
