"""Judging what a registry says: values that a file may hold and that are hardly what was meant.

The schema refuses what cannot be read; this says what can be read and is probably wrong, with the likely intent.
It needs no package; where genai-prices or litellm's price file is there, prices are held against them too.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from pointsman.errors import RegistryError
from pointsman.registry.catalogue import Registry
from pointsman.registry.folders import registry_paths
from pointsman.registry.load import load_registry
from pointsman.registry.model import Model
from pointsman.registry.packages import Packages, packages
from pointsman.registry.plausibility.configs import config_findings
from pointsman.registry.plausibility.efforts import effort_findings
from pointsman.registry.plausibility.findings import ConfigFile, Finding, Findings, ModelFile, World
from pointsman.registry.plausibility.prices import price_findings
from pointsman.registry.plausibility.scores import score_findings
from pointsman.registry.plausibility.sizes import size_findings
from pointsman.registry.yaml_files import YamlFile, read_yaml

__all__ = ["Finding", "judge"]

JUDGES: tuple[Callable[[ModelFile, World], Findings], ...] = (
    price_findings,
    score_findings,
    effort_findings,
    size_findings,
)


def judge(folder: Path, known: Packages | None = None) -> list[Finding]:
    """What is implausible in a registry folder, errors before warnings; files with faults are passed over.

    Raises:
        RegistryError: litellm's price file cannot be read.
    """
    paths = registry_paths(folder, [])
    files, routers = _read(paths["models"]), _read(paths["routers"])
    models = [ModelFile(file, model) for file in files if (model := _model_of(file)) is not None]
    by_id = {one.model.model_id: one.model for one in models}
    try:
        registry = load_registry(folder)
    except RegistryError:
        registry = Registry(by_id, {}, "")
    world = World(datetime.now(UTC).date(), by_id, packages() if known is None else known, registry)
    found = [finding for one in models for finder in JUDGES for finding in finder(one, world)]
    by_name = {str(file.data.get("name")): file for file in routers if file.data}
    for name, config in registry.configs.items():
        if name in by_name:
            found.extend(config_findings(ConfigFile(by_name[name], config), registry))
    return sorted(found, key=lambda one: one.severity != "error")


def _read(paths: Iterable[Path]) -> list[YamlFile]:
    return [file for path in paths if (file := read_yaml(path)).data is not None and not file.faults]


def _model_of(file: YamlFile) -> Model | None:
    try:
        return Model.model_validate(file.data)
    except ValidationError:
        return None
