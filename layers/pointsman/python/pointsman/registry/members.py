"""What a config names, held against the models that there are: every name that stands for nothing is a fault."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pointsman.errors import Fault
from pointsman.faults import Misfit, Misfits, nearest_name
from pointsman.registry.candidate import SEPARATOR
from pointsman.registry.catalogue import levels_of
from pointsman.registry.config import RouterConfig, check_sets
from pointsman.registry.model import Model

if TYPE_CHECKING:
    from pointsman.registry.yaml_files import YamlFile

ADD_FILE = "Add a file for it under models/."
Member = tuple[str, str | None]  # a model id and the effort that was named with it


def resolve(
    file: "YamlFile", config: RouterConfig, ids: Mapping[str, str], models: Mapping[str, Model]
) -> tuple[list[Fault], RouterConfig]:
    """A config with its names as model ids, and everything in them that stands for no candidate.

    Args:
        file: where the config stands.
        config: as it was read.
        ids: every id, alias and gateway name, to its model id; also those of files with faults.
        models: the models without faults, by id.
    """
    faults: list[Fault] = []

    def member(field: str, name: str) -> Member | None:
        try:
            return _member(name, ids, models)
        except Misfits as error:
            faults.extend(file.fault(field, one.message, one.remedy, name) for one in error.found)
            return None

    candidates: dict[str, int] = {}
    resolved: list[str] = []
    for i, name in enumerate(config.models):
        if (found := member(f"models.{i}", name)) is None:
            continue
        model_id, effort = found
        resolved.append(_joined(model_id, effort))
        model = models.get(model_id)
        levels: Sequence[str | None] = (effort,) if effort or model is None else levels_of(model, config.efforts)
        if not levels and model is not None:
            message = f"has none of the efforts {', '.join(config.efforts)}"
            remedy = f"Name it {name}{SEPARATOR}{model.default_level}, or add one of {', '.join(model.levels)}."
            faults.append(file.fault(f"models.{i}", message, remedy, name))
        for level in levels:
            first = candidates.setdefault(_joined(model_id, level), i)
            if first != i:
                message = f"the same candidate as {config.models[first]}"
                faults.append(file.fault(f"models.{i}", message, "Remove one.", name))
    if not isinstance(config.efforts, str):
        known = {level for model in models.values() for level in model.levels}
        for i, level in enumerate(config.efforts):
            if level not in known:
                some = f"Use one of: {', '.join(sorted(known))}." if known else "Leave them out: no model has any."
                remedy = nearest_name(level, list(known)) or some
                faults.append(file.fault(f"efforts.{i}", "no model has this effort", remedy, level))
    try:
        check_sets(len(candidates), config.max_k)
    except Misfits as error:
        faults.extend(file.fault("max_k", one.message, one.remedy, config.max_k) for one in error.found)
    targets: dict[str, str] = {}
    for name, target in config.targets.items():
        if (found := member(f"targets.{name}", name)) is not None:
            key = _joined(*found)
            if key not in candidates and not any(one.split(SEPARATOR)[0] == key for one in candidates):
                remedy = "Remove it, or add the model to `models`."
                faults.append(file.fault(f"targets.{name}", "no candidate of this config", remedy, name))
            targets[key] = target
    default = config.default_model
    if default is not None and (found := member("default_model", default)) is not None:
        default = _joined(*found)
    changes = {"models": tuple(resolved), "targets": targets, "default_model": default}
    return faults, config.model_copy(update=changes)


def _member(name: str, ids: Mapping[str, str], models: Mapping[str, Model]) -> Member:
    """The model id and effort of a name. Raises Misfits where it stands for none."""
    if name in ids:
        return ids[name], None
    base, at, effort = name.rpartition(SEPARATOR)
    if not at or base not in ids:
        remedy = nearest_name(base if at else name, list(ids)) or ADD_FILE
        raise Misfits(Misfit("no model has this id or alias", remedy))
    model = models.get(ids[base])
    if model is not None and effort not in model.levels:
        remedy = f"Use one of: {', '.join(model.levels)}." if model.levels else f"It has no efforts: name it {base}."
        raise Misfits(Misfit(f"the model has no effort {effort!r}", remedy))
    return ids[base], effort


def _joined(model_id: str, effort: str | None) -> str:
    return model_id if effort is None else f"{model_id}{SEPARATOR}{effort}"
