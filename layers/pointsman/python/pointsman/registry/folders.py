"""Which files a registry folder holds. Every one is read or refused by its name; none is passed over in silence.

`models/` and `routers/` may have subfolders, and a file's name may end in .yaml or .yml in any letter case. What people
and systems put beside files (a README, .gitkeep, .DS_Store) is known and is no fault.
"""

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pointsman.errors import Fault

KINDS = ("models", "routers")
SUFFIXES = (".yaml", ".yml")
# What is no part of a registry and is meant for nobody's reading by us, by lower-case name.
BESIDE = (
    *("readme", "readme.*", "license", "license.*"),
    *(".gitkeep", ".gitignore", ".gitattributes", ".ds_store", "thumbs.db", "desktop.ini"),
)
_LEFT_BEHIND = re.compile(r"\._.*|\.#.*|#.*#|.*~|\.~lock\..*|.*\.(swp|swo|swx|bak|orig|rej|tmp|part)", re.IGNORECASE)


def registry_paths(folder: Path, faults: list[Fault]) -> dict[str, list[Path]]:
    """The files of each kind, sorted; what cannot be one is added to `faults`, each with its path."""
    for path in _entries(folder, faults):
        if path.name not in KINDS and not _is_beside(path):
            where = f"{' or '.join(f'{kind}/' for kind in KINDS)}"
            faults.append(Fault(str(path), "not a part of a registry", f"Move it into {where}, or away."))
    found: dict[str, list[Path]] = {}
    for kind in KINDS:
        found[kind] = sorted(_files(folder / kind, faults, frozenset()))
        if not found[kind]:
            faults.append(Fault(str(folder / kind), "no registry files here", "Name another folder with --registry."))
    return found


def name_in_registry(folder: Path, path: Path) -> str:
    """How a registry's digest calls a file: the path in the folder, with slashes."""
    return path.relative_to(folder).as_posix()


def _files(folder: Path, faults: list[Fault], above: frozenset[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:
        faults.append(Fault(str(folder), "a link to a folder that holds it", "Delete the link."))
        return
    for path in _entries(folder, faults):
        if _LEFT_BEHIND.fullmatch(path.name):
            faults.append(Fault(str(path), "left behind by an editor or a system", "Save and close it, or delete it."))
        elif path.is_dir() and path.suffix.lower() in SUFFIXES:
            faults.append(Fault(str(path), "a folder with the name of a file", "Rename it, or put the file there."))
        elif path.is_dir():
            yield from _files(path, faults, above | {here})
        elif path.suffix.lower() in SUFFIXES:
            if path.is_file():
                yield path
            else:
                faults.append(Fault(str(path), "not a plain file, or a link to nothing", "Put the file there."))
        elif not _is_beside(path):
            faults.append(Fault(str(path), "not a YAML file", "Name it .yaml, or move it away."))


def _entries(folder: Path, faults: list[Fault]) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        faults.append(Fault(str(folder), f"cannot be read: {error.strerror}", "Check its permissions."))
        return []


def _is_beside(path: Path) -> bool:
    return any(fnmatch.fnmatchcase(path.name.lower(), pattern) for pattern in BESIDE)
