"""Signing an artifact: the manifest, which has the sha256 of every file, by a private key of Ed25519 in PEM."""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pointsman.artifact.manifest import MANIFEST_FILE, read_manifest
from pointsman.artifact.signature import SIGNATURE_FILE, check_signature
from pointsman.errors import ArtifactError


def make_keypair(path: Path) -> str:
    """Write a new private key, readable by its owner alone, and return the public one in base64.

    Raises:
        ArtifactError: there is a file already, or it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(pem)
    except FileExistsError:
        raise ArtifactError(f"{path}: there is a file already, and a key is never overwritten. Name another.") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be written: {error.strerror}.") from None
    return public_key_of(key)


def public_key_of(key: Ed25519PrivateKey) -> str:
    """The public half, as POINTSMAN_ARTIFACT_KEYS takes it."""
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def sign_artifact(folder: Path, key_file: Path) -> str:
    """Write the signature beside the manifest, and return the public key that checks it.

    Raises:
        ArtifactError: there is no manifest, or the key is none.
    """
    _, digest = read_manifest(folder)
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError as error:
        raise ArtifactError(f"{key_file}: cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ArtifactError(f"{key_file}: no private key of Ed25519 in PEM, without a password. `keypair` makes one.")
    signature = key.sign((folder / MANIFEST_FILE).read_bytes())
    (folder / SIGNATURE_FILE).write_text(base64.b64encode(signature).decode() + "\n", encoding="ascii")
    public = public_key_of(key)
    check_signature(folder, digest, [base64.b64decode(public)])
    return public
