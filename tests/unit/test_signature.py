"""Signatures of artifacts: what was signed is loaded, and nothing that was changed or signed by another."""

import base64
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from pointsman.artifact.ed25519 import L, is_signature
from pointsman.artifact.load import load_artifact
from pointsman.artifact.signature import public_keys
from pointsman.errors import ArtifactError, SettingsError
from pointsman.router import Router

from artifacts_build.commands.main import cli

# RFC 8032, section 7.1: secret, public, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_signatures_of_the_standard_are_good(public: str, message: str, signature: str) -> None:
    assert is_signature(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


def library_says(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.data())
def test_it_says_what_a_library_says_of_what_was_signed_and_of_what_was_changed(
    seed: bytes, message: bytes, data: st.DataObject
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert is_signature(public, message, signature)
    at = data.draw(st.integers(0, 8 * 64 - 1))
    changed = bytearray(signature)
    changed[at // 8] ^= 1 << at % 8
    assert not is_signature(public, message, bytes(changed))
    assert not is_signature(public, message + b"x", signature)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert not is_signature(other, message, signature)
    for odd in (bytes(changed), signature[:32] + bytes(32), bytes(64), b"\xff" * 64):
        assert is_signature(public, message, odd) == library_says(public, message, odd)


def test_another_writing_of_the_same_signature_is_refused() -> None:
    key = Ed25519PrivateKey.generate()
    signature = key.sign(b"manifest")
    larger = (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")
    assert not is_signature(key.public_key().public_bytes_raw(), b"manifest", signature[:32] + larger)


@pytest.mark.parametrize(("key", "signature"), [(b"", b""), (b"x" * 31, bytes(64)), (b"\xff" * 32, bytes(64))])
def test_what_is_no_key_or_no_signature_is_no_error(key: bytes, signature: bytes) -> None:
    assert not is_signature(key, b"", signature)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.fixture
def signed(tmp_path: Path, artifact_folder: Path) -> tuple[Path, str]:
    """The weights of the real artifact, signed, and the public key."""
    folder = tmp_path / "artifact"
    shutil.copytree(artifact_folder, folder, ignore=shutil.ignore_patterns("embedder"))
    public = run("keypair", "--out", str(tmp_path / "key.pem"))
    assert run("sign", "--artifact", str(folder), "--key", str(tmp_path / "key.pem")) == public
    return folder, public


def test_a_signed_artifact_is_loaded_with_its_key_among_others_and_without_any(signed: tuple[Path, str]) -> None:
    folder, public = signed
    other = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    for keys in (public, f"{other}, {public}", ""):
        assert load_artifact(folder, public_keys(keys)).manifest


def test_an_artifact_that_was_changed_or_that_another_key_signed_is_refused(signed: tuple[Path, str]) -> None:
    folder, public = signed
    other = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    with pytest.raises(ArtifactError, match="another key signed it"):
        load_artifact(folder, public_keys(other))
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    assert load_artifact(folder)
    with pytest.raises(ArtifactError, match=r"manifest\.json\.sig: not a signature of this manifest"):
        load_artifact(folder, public_keys(public))


@pytest.mark.parametrize("text", ["", "no base64!", "QUJD"])
def test_a_signature_that_is_none_is_refused(signed: tuple[Path, str], text: str) -> None:
    folder, public = signed
    (folder / "manifest.json.sig").write_text(text)
    with pytest.raises(ArtifactError, match="not a signature"):
        load_artifact(folder, public_keys(public))


def test_an_artifact_without_a_signature_is_refused_where_one_is_asked_for(
    artifact_folder: Path, monkeypatch: pytest.MonkeyPatch, signed: tuple[Path, str]
) -> None:
    monkeypatch.setenv("POINTSMAN_ARTIFACT_KEYS", signed[1])
    with pytest.raises(ArtifactError, match=r"manifest\.json\.sig: no such file"):
        Router.load(artifact_folder)


@pytest.mark.parametrize("text", ["x", "QUJD", "a" * 44, "A" * 43 + "=, nothing"])
def test_what_is_no_public_key_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="no public key of Ed25519"):
        public_keys(text)


def test_a_key_is_never_overwritten_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    run("keypair", "--out", str(path))
    before = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(ArtifactError, match="never overwritten"):
        run("keypair", "--out", str(path))
    assert path.read_bytes() == before
