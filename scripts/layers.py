"""`make layers`: every layer as `sam build` would make it, each with what is in it as a CycloneDX document beside it.

    build/layers/out/ServingLayer/            the folder that becomes the layer
    build/layers/out/ServingLayer.cdx.json    its packages with version and licence

Two builds of the same commit give the same digests, on any machine that has the Python of the functions.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pointsman
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/layers/out"
LAYERS = ("LibraryLayer", "ServingLayer", "EmbeddingLayer", "ArtifactLayer", "RegistryLayer")


def build(layer: str) -> str:
    """Build one layer into its folder and give the digest that the build prints.

    Raises:
        subprocess.CalledProcessError: the build failed; what it said is on standard error.
    """
    folder = OUT / layer
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["make", "--silent", "-C", str(ROOT / "layers"), f"build-{layer}", f"ARTIFACTS_DIR={folder}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def bill_of_materials(layer: str, folder: Path, digest: str) -> str:
    """A CycloneDX 1.6 document of a layer's folder; the same folder gives the same document."""
    whole = Component(name=layer, version=pointsman.__version__, type=ComponentType.APPLICATION, bom_ref=layer)
    whole.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=digest))
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest))
    bom.metadata.component = whole
    parts = [*packages(folder), *artifact_parts(folder)]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(whole, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    # When it was written says nothing of what is in it.
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, indent=2) + "\n"


def packages(folder: Path) -> Iterator[Component]:
    """The Python packages of a folder, from the metadata that trimming leaves."""
    for found in sorted(importlib.metadata.distributions(path=[str(folder / "python")]), key=lambda one: one.name):
        name = re.sub(r"[-_.]+", "-", found.name).lower()
        yield Component(
            name=name,
            version=found.version,
            purl=PackageURL("pypi", name=name, version=found.version),
            licenses=[licence_of(found)],
            bom_ref=f"{name}@{found.version}",
        )


def licence_of(found: importlib.metadata.Distribution) -> License:
    """What a package says its licence is: an expression, else its classifiers, else its own words."""
    told = found.metadata.json
    classified = [line.split(" :: ")[-1] for line in told.get("classifier", []) if line.startswith("License ::")]
    words = str(told.get("license", "")).strip().splitlines() or ["unknown"]
    expression = str(told.get("license_expression") or " AND ".join(classified) or words[0])
    return LicenseFactory().make_from_string(expression)


def artifact_parts(folder: Path) -> Iterator[Component]:
    """What an artifact holds that was learned: weights and embedder, each file with its sha256."""
    for manifest in folder.glob("artifact/manifest.json"):
        document = json.loads(manifest.read_text(encoding="utf-8"))
        for name, entry in document["files"].items():
            kind = ComponentType.MACHINE_LEARNING_MODEL if name.endswith((".onnx", ".npz")) else ComponentType.DATA
            part = Component(name=name, version=document["created"], type=kind, bom_ref=name)
            part.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=entry["sha256"]))
            part.licenses.add(LicenseFactory().make_from_string("Apache-2.0"))
            yield part


def main() -> None:
    for layer in LAYERS:
        said = build(layer)
        digest = said.split()[0].removeprefix("sha256:")
        (OUT / f"{layer}.cdx.json").write_text(bill_of_materials(layer, OUT / layer, digest), encoding="utf-8")
        print(f"{layer:15} {said}")


if __name__ == "__main__":
    main()
