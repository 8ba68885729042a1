"""Reading files that must be exactly what the manifest says: sizes, hashes, JSON.

Nothing here trusts a name alone: a file is used only once its sha256 has been compared.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pointsman.errors import ArtifactError

BUILD_IT = "Build it with `make artifact`, or name another folder with --artifact."


def read_json(path: Path) -> Any:
    """The JSON of a file.

    Raises:
        ArtifactError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(f"{path}: no such file. {BUILD_IT}") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: not JSON ({error}). {BUILD_IT}") from None


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal, without holding the file in memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checked_file(path: Path, sha256: str) -> Path:
    """The same path, once the file is known to be the one that was built.

    Raises:
        ArtifactError: the file is missing or another one.
    """
    try:
        found = sha256_of(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(f"{path}: no such file, though the manifest lists it. {BUILD_IT}") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    if found != sha256:
        raise ArtifactError(
            f"{path}: sha256 {found[:12]}… is not the {sha256[:12]}… of the manifest: "
            f"the file is truncated, damaged, or of another build. {BUILD_IT}"
        )
    return path
