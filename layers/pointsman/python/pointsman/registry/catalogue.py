"""The registry: models by id, configs by name, and the candidates that a name or a config stands for.

A name is an id, an alias or a gateway's name, alone or with one effort: `name@effort`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pydantic import ValidationError

from pointsman.errors import Fault, RegistryError, UnknownConfig, UnknownModel, shortened
from pointsman.faults import Misfits, faults_of, nearest_name
from pointsman.registry.candidate import SEPARATOR, ModelAtEffort
from pointsman.registry.config import RouterConfig, check_sets
from pointsman.registry.model import Model

Efforts = str | Sequence[str]


@dataclass(frozen=True)
class Registry:
    """Models by id and configs by name; every candidate that a config names exists."""

    models: Mapping[str, Model]
    configs: Mapping[str, RouterConfig]
    digest: str

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        ids = {name: model.model_id for model in self.models.values() for name in model.names}
        return {**ids, **{model_id: model_id for model_id in self.models}}

    def find(self, name: str) -> tuple[str, str | None] | None:
        """What `split` gives; None where nobody knows the name. Looks for no nearest one, so many can be tried."""
        if name in self._ids:
            return self._ids[name], None
        base, at, effort = name.rpartition(SEPARATOR)
        model = self.models[self._ids[base]] if at and base in self._ids else None
        return (model.model_id, effort) if model is not None and effort in model.efforts else None

    def split(self, name: str) -> tuple[str, str | None]:
        """The model id and the effort (None: not named) of a name.

        Raises:
            UnknownModel: there is no such model, or it has no such effort.
        """
        found = self.find(name)
        if found is not None:
            return found
        base, at, effort = name.rpartition(SEPARATOR)
        if at and base in self._ids:
            model = self.models[self._ids[base]]
            levels = ", ".join(model.levels)
            remedy = f"Use one of: {levels}." if levels else f"It has no efforts: name it {base}."
            raise UnknownModel(
                f"{shortened(base)} has no effort {shortened(effort)!r}. {remedy}",
                [Fault("model_id", f"the model has no effort {shortened(effort)!r}", remedy, shortened(name))],
            )
        remedy = nearest_name(base if at else name, list(self._ids)) or "`pointsman models` lists the known ones."
        raise UnknownModel(
            f"There is no model {shortened(name)!r}. {remedy}",
            [Fault("model_id", "unknown model", remedy, shortened(name))],
        )

    def id_of(self, name: str) -> str:
        """The id of a name: a model's, or where the name has an effort a candidate's.

        Raises:
            UnknownModel: there is no such model, or it has no such effort.
        """
        model_id, effort = self.split(name)
        return model_id if effort is None else f"{model_id}{SEPARATOR}{effort}"

    def model(self, name: str) -> Model:
        """The model of a name.

        Raises:
            UnknownModel: there is none.
        """
        return self.models[self.split(name)[0]]

    def candidate(self, name: str) -> ModelAtEffort:
        """The candidate of a name; without an effort, the model's default one.

        Raises:
            UnknownModel: there is no such model, or it has no such effort.
        """
        model_id, effort = self.split(name)
        model = self.models[model_id]
        return ModelAtEffort(model, effort or model.default_level)

    def expand(self, names: Iterable[str], efforts: Efforts = "default") -> tuple[ModelAtEffort, ...]:
        """The candidates of names, each once, by model id and then from least effort to most.

        `efforts` is for the names without one: `default`, `all`, or a list of levels. A model that has efforts and
        none of the listed ones has no candidate; one without efforts always has one.

        Raises:
            UnknownModel: there is no such model, or it has no such effort.
        """
        found: dict[str, ModelAtEffort] = {}
        for name in names:
            model_id, effort = self.split(name)
            model = self.models[model_id]
            for level in (effort,) if effort else levels_of(model, efforts):
                candidate = ModelAtEffort(model, level)
                found.setdefault(candidate.candidate_id, candidate)
        return tuple(sorted(found.values(), key=_order))

    def candidates(self, config: RouterConfig | str) -> tuple[ModelAtEffort, ...]:
        """The candidates of a config, by model id and then from least effort to most.

        Raises:
            UnknownConfig: there is no such config.
            UnknownModel: a config that is not of this registry names a model that is not in it.
        """
        if isinstance(config, str):
            config = self.config(config)
        return self.expand(config.models, config.efforts)

    def config(self, name: str) -> RouterConfig:
        """The config with this name.

        Raises:
            UnknownConfig: there is none.
        """
        if name not in self.configs:
            remedy = f"Use one of: {', '.join(sorted(self.configs))}."
            raise UnknownConfig(
                f"There is no config {shortened(name)!r}. {remedy}",
                [Fault("config", "unknown config", remedy, shortened(name))],
            )
        return self.configs[name]

    def with_model(self, model: Model, configs: Sequence[str] = ()) -> "Registry":
        """A registry with one model more (or replaced), added to the candidates of `configs`.

        Raises:
            UnknownConfig: a config does not exist.
            RegistryError: an alias belongs to another model already, or a config grows too large.
        """
        for alias in model.names:
            if self._ids.get(alias, model.model_id) != model.model_id:
                raise RegistryError(f"{alias!r} already names {self._ids[alias]}. Choose another alias.")
        changed = dict(self.configs)
        for name in configs:
            config = self.config(name)
            members = tuple(dict.fromkeys((*config.models, model.model_id)))
            try:
                changed[name] = RouterConfig.model_validate({**config.model_dump(), "models": members})
            except ValidationError as error:
                faults = faults_of(error, kind=RouterConfig)
                raise RegistryError(f"config {name!r}: {faults[0].message}. {faults[0].remedy}", faults) from None
        larger = replace(self, models={**self.models, model.model_id: model}, configs=changed)
        for name in configs:
            try:
                check_sets(len(larger.candidates(name)), changed[name].max_k)
            except Misfits as error:
                raise RegistryError(f"config {name!r}: {error}") from None
        return larger


def levels_of(model: Model, efforts: Efforts) -> tuple[str | None, ...]:
    """The levels of a model that `default`, `all` or a list of levels stands for; None for its one way to answer."""
    if not model.efforts:
        return (None,)
    if efforts == "default":
        return (model.default_level,)
    return tuple(level for level in model.levels if efforts == "all" or level in efforts)


def _order(candidate: ModelAtEffort) -> tuple[str, int]:
    effort = candidate.effort
    return candidate.model_id, 0 if effort is None else candidate.model.levels.index(effort)
