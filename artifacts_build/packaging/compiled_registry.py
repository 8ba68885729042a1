"""The registry compiled to one JSON file, with the manifest of the artifact beside it: the registry's layer.

What it holds was checked in full when it was compiled; whoever serves from it needs neither YAML nor numpy.
"""

import json
import os
from pathlib import Path

from pointsman.artifact.manifest import MANIFEST_FILE, read_manifest
from pointsman.registry import Registry, compiled, load_registry

REGISTRY_FILE = "registry.json"


def write_compiled_registry(source: Path, artifact: Path, out: Path) -> Registry:
    """Write `registry.json` and the artifact's `manifest.json` to the folder `out`, each whole or not at all.

    Raises:
        RegistryError: the registry has faults; nothing is written.
        ArtifactError: the manifest cannot be used; nothing is written.
    """
    registry = load_registry(source)
    read_manifest(artifact)
    document = json.dumps(compiled(registry), ensure_ascii=False, separators=(",", ":"))
    out.mkdir(parents=True, exist_ok=True)
    _write(out / REGISTRY_FILE, document.encode())
    # Byte for byte: its sha256 is the artifact's digest.
    _write(out / MANIFEST_FILE, (artifact / MANIFEST_FILE).read_bytes())
    return registry


def _write(path: Path, raw: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_bytes(raw)
    scratch.replace(path)
