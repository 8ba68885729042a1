"""The artifact of a layer: put together, tried as the server would use it, and weighed.

A zip function with its layers may hold 262,144,000 bytes unzipped; what is over that has to be read from S3.
"""

from pathlib import Path

import pointsman
from pointsman.artifact.load import EMBEDDER_FOLDER
from pointsman.errors import ArtifactError
from pointsman.router import Router

from artifacts_build.packaging.weights import join_embedder

LIMIT_BYTES = 262_144_000
PROMPT = "Prove that every finite integral domain is a field."


def build_artifact(weights: Path, embedder: Path, registry: Path, out: Path) -> str:
    """Write the artifact folder `out`, whole or not at all; returns what was decided and the table of sizes.

    Raises:
        ArtifactError: a file is damaged, the weights are of another embedder, or the result decides nonsense.
        RegistryError: the registry has faults.
    """
    decided: list[str] = []
    join_embedder(weights, embedder, out, check=lambda folder: decided.append(decide_once(folder, registry)))
    return "\n".join([f"{out}: {decided[0]}", "", size_table(out, registry)])


def decide_once(artifact: Path, registry: Path) -> str:
    """Load an artifact and a registry as the server does and decide one prompt; says what came out.

    Raises:
        ArtifactError: a probability is none.
        StartupError: the artifact or the registry cannot be used.
    """
    router = Router.load(artifact=artifact, registry=registry)
    config = "auto" if "auto" in router.registry.configs else next(iter(router.registry.configs))
    decision = router.decide(PROMPT, config=config)
    if not all(0 < candidate.mu < 1 for candidate in decision.candidates):
        raise ArtifactError(f"{artifact}: a predicted probability is not between 0 and 1. Train the weights again.")
    return (
        f"tried with {config!r}: {', '.join(decision.selected)} of {len(decision.candidates)} candidates, "
        f"{decision.expected_quality:.0%} expected"
    )


def size_table(artifact: Path, registry: Path) -> str:
    """What the artifact, the library and the registry take of a function's limit, in bytes."""
    files = sorted(path for path in artifact.rglob("*") if path.is_file())
    rows = [(str(path.relative_to(artifact)), path.stat().st_size) for path in files]
    rows = [row for row in rows if row[0].startswith(EMBEDDER_FOLDER)] + [
        ("weights and manifest", sum(size for name, size in rows if not name.startswith(EMBEDDER_FOLDER))),
        ("library", _size(Path(pointsman.__file__).parent, "*.py")),
        ("registry", _size(registry, "*")),
    ]
    total = sum(size for _, size in rows)
    left = LIMIT_BYTES - total
    lines = [*rows, ("together", total), ("limit of a function with its layers", LIMIT_BYTES)]
    if left >= 0:
        lines.append(("left for the serving dependencies", left))
    width = max(len(name) for name, _ in lines)
    table = "\n".join(f"{name:<{width}}  {size:>13,}" for name, size in lines)
    if left < 0:
        table += f"\n{-left:,} bytes over the limit: it does not fit a layer. Serve the embedder from S3, or locally."
    return table


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())
