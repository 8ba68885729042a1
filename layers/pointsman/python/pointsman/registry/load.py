"""Reading a registry: a folder of YAML files, or the one JSON file that such a folder was compiled to.

Every fault of every file is reported at once; a registry with one fault is not loaded at all. The compiled file
(`python -m artifacts_build compile-registry`) loads without YAML, and has the same digest.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pointsman.errors import Fault, RegistryError, UnknownModel
from pointsman.faults import faults_of, first_fault, top_fields
from pointsman.registry.catalogue import Registry
from pointsman.registry.config import RouterConfig
from pointsman.registry.folders import name_in_registry, registry_paths
from pointsman.registry.members import ADD_FILE, resolve
from pointsman.registry.model import Model

if TYPE_CHECKING:
    from pointsman.registry.yaml_files import YamlFile

FORMAT = "pointsman-registry"
# Version 1 knew no efforts; its files are read as they are.
FORMAT_VERSION = 2

T = TypeVar("T", bound=BaseModel)


def load_registry(source: Path) -> Registry:
    """Read a registry folder, or the file that one was compiled to.

    Raises:
        RegistryError: with every fault of every file: file, line, field and remedy.
    """
    return _read_compiled(source) if source.is_file() else _read_folder(source)


def compiled(registry: Registry) -> dict[str, Any]:
    """A registry as the JSON document that `load_registry` reads back."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "digest": registry.digest,
        "models": [
            model.model_dump(mode="json", by_alias=True, exclude_defaults=True) for model in registry.models.values()
        ],
        "configs": [config.model_dump(mode="json", exclude_defaults=True) for config in registry.configs.values()],
    }


class _Compiled(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["pointsman-registry"]
    format_version: Literal[1, 2]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    models: tuple[Model, ...]
    configs: tuple[RouterConfig, ...]


def _read_compiled(path: Path) -> Registry:
    """A compiled registry. It was checked when it was made; what is checked here is that it is still that."""
    remedy = "Compile it again: python -m artifacts_build compile-registry."
    try:
        document = _Compiled.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    except ValidationError as error:
        faults = [replace(fault, remedy=remedy) for fault in faults_of(error)]
        why = first_fault(error)
        raise RegistryError(f"{path}: not a compiled registry of this version ({why}). {remedy}", faults) from None
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{path}: not JSON ({error}). {remedy}") from None
    models = {model.model_id: model for model in document.models}
    registry = Registry(models, {config.name: config for config in document.configs}, document.digest)
    for config in document.configs:
        for name in config.models:
            try:
                registry.split(name)
            except UnknownModel:
                message = f"{path}: the config {config.name!r} names {name!r}, which is not in it. {remedy}"
                raise RegistryError(message) from None
    return registry


def _read_folder(folder: Path) -> Registry:
    faults: list[Fault] = []
    files = {kind: _read(paths, faults) for kind, paths in registry_paths(folder, faults).items()}
    models = [(file, model) for file in files["models"] if (model := _parse(file, Model, faults))]
    configs = [(file, c) for file in files["routers"] if (c := _parse(file, RouterConfig, faults))]
    ids = _distinct_ids(models, faults)
    by_id = {model.model_id: model for _, model in models}
    resolved: dict[str, RouterConfig] = {}
    # What a file with faults names, or may name where it cannot be read, is no fault of the configs that use it.
    good = {file.path for file, _ in models}
    broken = [file for file in files["models"] if file.path not in good]
    ids = {**{name: name for file in broken for name in _claimed(file)}, **ids}
    unread = any(file.data is None for file in broken)
    for file, config in configs:
        if config.name in resolved:
            faults.append(file.fault("name", "another file has this name too", "Rename one.", config.name))
        found, resolved[config.name] = resolve(file, config, ids, by_id)
        faults.extend(fault for fault in found if not (unread and fault.remedy == ADD_FILE))
    if faults:
        raise RegistryError(f"{folder}: {len(faults)} fault{'s' if len(faults) > 1 else ''} in the registry", faults)
    return Registry(
        models={model.model_id: model for _, model in sorted(models, key=lambda pair: pair[1].model_id)},
        configs=dict(sorted(resolved.items())),
        digest=_digest(folder, [*files["models"], *files["routers"]]),
    )


def _read(paths: Iterable[Path], faults: list[Fault]) -> list["YamlFile"]:
    from pointsman.registry.yaml_files import read_yaml

    read = [read_yaml(path) for path in paths]
    for file in read:
        faults.extend(file.faults)
    return read


def _parse(file: "YamlFile", kind: type[T], faults: list[Fault]) -> T | None:
    from pointsman.registry.yaml_files import validation_faults

    if file.data is None:
        return None
    try:
        return kind.model_validate(file.data)
    except ValidationError as error:
        faults.extend(validation_faults(file, error, kind))
        return _rest(file.data, error) if kind is RouterConfig else None


def _rest(data: dict[str, Any], error: ValidationError) -> Any:
    """A config without its faulty fields, so that the names in it are looked at too; None where that is none."""
    wrong = top_fields(error)
    try:
        return RouterConfig.model_validate({name: value for name, value in data.items() if name not in wrong})
    except ValidationError:
        return None


def _distinct_ids(models: Sequence[tuple["YamlFile", Model]], faults: list[Fault]) -> dict[str, str]:
    """Every id and alias to its model id; one that two models claim is a fault of the later file.

    Names of two models may not differ by letter case alone: one of them would be taken for the other.
    """
    ids: dict[str, str] = {}
    spelled: dict[str, tuple[str, str]] = {}
    for file, model in models:
        for field, name in _names(model):
            other, owner = spelled.setdefault(name.casefold(), (name, model.model_id))
            if owner != model.model_id and other != name:
                message = f"only its letter case tells it from {other}, which names {owner}"
                faults.append(file.fault(field, message, "Choose another.", name))
            owner = ids.setdefault(name, model.model_id)
            if owner != model.model_id or (field == "model_id" and _claims(models, name) > 1):
                faults.append(file.fault(field, f"already names {owner}", "Choose another.", name))
    return ids


def _claimed(file: "YamlFile") -> Iterator[str]:
    """The names in a model file that has faults; of one that cannot be read, what the bundled files would be called."""
    if file.data is None:
        yield file.path.stem.replace("--", "/", 1)
        return
    aliases = file.data.get("aliases")
    for name in [file.data.get("model_id"), *(aliases if isinstance(aliases, list) else ())]:
        if isinstance(name, str):
            yield name


def _names(model: Model) -> Iterator[tuple[str, str]]:
    yield "model_id", model.model_id
    for i, alias in enumerate(model.aliases):
        yield f"aliases.{i}", alias
    for gateway, name in model.gateway_names.items():
        yield f"gateway_names.{gateway}", name


def _claims(models: Sequence[tuple["YamlFile", Model]], model_id: str) -> int:
    return sum(model.model_id == model_id for _, model in models)


def _digest(folder: Path, files: Sequence["YamlFile"]) -> str:
    """A sha256 over names and contents, the same for the same registry wherever it lies."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{name_in_registry(folder, file.path)}\0".encode())
        total.update(hashlib.sha256(file.text.encode()).digest())
    return total.hexdigest()
