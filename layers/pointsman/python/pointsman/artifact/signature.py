"""The signature of an artifact: `manifest.json.sig` beside the manifest, 64 bytes of Ed25519 in base64.

The manifest has the sha256 of every file, so its signature vouches for them all. It is asked for where a public key is
set; without one an artifact is as trustworthy as the place it was read from.
"""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from pointsman.artifact.ed25519 import is_signature
from pointsman.artifact.manifest import MANIFEST_FILE
from pointsman.errors import ArtifactError, SettingsError

SIGNATURE_FILE = f"{MANIFEST_FILE}.sig"
SIGN_IT = "Sign it with `python -m artifacts_build sign`, or use the artifact that was signed."


def public_keys(text: str) -> list[bytes]:
    """The keys that a setting names: base64 of 32 bytes each, with commas between them.

    Raises:
        SettingsError: one is none.
    """
    keys = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        try:
            key = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise SettingsError(
                f"POINTSMAN_ARTIFACT_KEYS: {word[:60]!r} is no public key of Ed25519. Write the base64 of 32 bytes, "
                "as `python -m artifacts_build keypair` prints them."
            )
        keys.append(key)
    return keys


def check_signature(folder: Path, digest: str, keys: Sequence[bytes]) -> None:
    """Raise ArtifactError unless the manifest that was read (by its sha256) was signed with one of the keys."""
    path = folder / SIGNATURE_FILE
    try:
        signature = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file, and a signature is asked for. {SIGN_IT}") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    except (binascii.Error, ValueError):
        signature = b""
    manifest = (folder / MANIFEST_FILE).read_bytes()
    if sha256(manifest).hexdigest() != digest or not any(is_signature(key, manifest, signature) for key in keys):
        raise ArtifactError(
            f"{path}: not a signature of this manifest by a key of POINTSMAN_ARTIFACT_KEYS. The manifest was changed, "
            f"or another key signed it. {SIGN_IT}"
        )
