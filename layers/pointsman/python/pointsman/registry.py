"""The registry: which models there are, what they cost and score, and which configs choose among them.

One YAML file a model under `models/`, one a router config under `routers/`. Loading reads every file and
reports every fault of every file at once; a registry with one fault is not loaded at all. The same registry
compiled to one JSON file (`python -m artifacts_build registry`) loads without YAML, and has the same digest.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pointsman.errors import Fault, RegistryError, UnknownConfig, UnknownModel, shortened

if TYPE_CHECKING:
    from pointsman.yaml_files import YamlFile

T = TypeVar("T", bound=BaseModel)

MAX_SETS = 10_000
FORMAT = "pointsman-registry"
FORMAT_VERSION = 1
CAPABILITY_BENCHMARKS = ("gpqa_diamond", "livecodebench")

Modality = Literal["text", "image", "audio", "video", "file"]
Feature = Literal["tools", "json", "reasoning"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Price = Annotated[float, Field(strict=True, ge=0, le=1000, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=200)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class PriceWindow(BaseModel):
    """Prices that hold at certain hours (UTC). A window whose end is not after its start runs past midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    utc_start: Clock
    utc_end: Clock
    utc_days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    input_cost_per_1k: Price
    output_cost_per_1k: Price

    @cached_property
    def span(self) -> tuple[time, time]:
        return time.fromisoformat(self.utc_start), time.fromisoformat(self.utc_end)


class Model(BaseModel):
    """A model as its file describes it. Prices are USD per 1,000 tokens, benchmarks percent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_id: Slug
    provider: Name
    aliases: tuple[Name, ...] = ()
    release_date: date | None = None
    input_modalities: Annotated[tuple[Modality, ...], Field(min_length=1)] = ("text",)
    context_length: Tokens
    max_output_tokens: Tokens | None = None
    input_cost_per_1k: Price
    output_cost_per_1k: Price
    cached_input_cost_per_1k: Price | None = None
    parameters_b: Positive | None = None
    active_parameters_b: Positive | None = None
    latency_s: Positive | None = None
    utc_price_overrides: tuple[PriceWindow, ...] = ()
    expected_output_tokens: Tokens | None = None
    # Where that number came from: a published figure, a measurement, a dataset.
    expected_output_tokens_source: Name | None = None
    # Tokens this model counts for one token of the embedder, where someone measured it.
    input_token_factor: Annotated[float, Field(strict=True, gt=0, le=10, allow_inf_nan=False)] = 1.0
    supports: tuple[Feature, ...] = ()
    benchmarks: Mapping[str, Percent] = {}
    source_urls: Annotated[tuple[Name, ...], Field(min_length=1)]
    source_quality: Literal["official", "model_card", "third_party", "dataset_aggregate", "self_eval", "missing"]
    as_of: date

    @field_validator("source_urls")
    @classmethod
    def _are_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("https://", "http://")):
                raise ValueError(f"{url!r} is not a web address; write it with https://")
        return urls

    @model_validator(mode="after")
    def _active_within_all(self) -> Self:
        if self.parameters_b and self.active_parameters_b and self.active_parameters_b > self.parameters_b:
            raise ValueError("active_parameters_b is larger than parameters_b; correct one of them")
        return self

    @cached_property
    def capability(self) -> float | None:
        """Mean of the published GPQA Diamond and LiveCodeBench as fractions; None without either."""
        known = [score for score in (self.gpqa_diamond, self.livecodebench) if score is not None]
        return sum(known) / len(known) if known else None

    @property
    def gpqa_diamond(self) -> float | None:
        """The published score as a fraction."""
        return self._fraction("gpqa_diamond")

    @property
    def livecodebench(self) -> float | None:
        """The published score as a fraction."""
        return self._fraction("livecodebench")

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that outcomes of this model may be kept under."""
        return (self.model_id, *self.aliases)

    def _fraction(self, benchmark: str) -> float | None:
        score = self.benchmarks.get(benchmark)
        return None if score is None else score / 100


class RouterConfig(BaseModel):
    """A router config: the candidates and the bar they must clear."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    description: Name
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    completion_threshold: Fraction = 0.7
    fallback_quality_margin: Fraction = 0.05
    max_k: Annotated[int, Field(strict=True, ge=1, le=3)] = 1
    # How many standard deviations below P(complete) a candidate must still clear the bar: 0 asks for the mean.
    caution: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)] = 0.0
    lambda_cost: Weight = 0.0
    lambda_latency: Weight = 0.0

    @model_validator(mode="after")
    def _few_enough_sets(self) -> Self:
        sets = sum(math.comb(len(self.models), k) for k in range(1, self.max_k + 1))
        if sets > MAX_SETS:
            raise ValueError(
                f"{len(self.models)} models with max_k {self.max_k} make {sets:,} candidate sets, "
                f"more than {MAX_SETS:,}; name fewer models or lower max_k"
            )
        return self


@dataclass(frozen=True)
class Registry:
    """Models by id and configs by name; every model a config names is a model id that exists."""

    models: Mapping[str, Model]
    configs: Mapping[str, RouterConfig]
    digest: str

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        ids = {alias: model.model_id for model in self.models.values() for alias in model.aliases}
        return {**ids, **{model_id: model_id for model_id in self.models}}

    def model(self, name: str) -> Model:
        """The model with this id or alias.

        Raises:
            UnknownModel: there is none.
        """
        if name not in self._ids:
            remedy = _did_you_mean(name, self._ids) or "`pointsman models` lists the known ones."
            raise UnknownModel(
                f"There is no model {shortened(name)!r}. {remedy}",
                [Fault("model_id", "unknown model", remedy, shortened(name))],
            )
        return self.models[self._ids[name]]

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
        for alias in (model.model_id, *model.aliases):
            if self._ids.get(alias, model.model_id) != model.model_id:
                raise RegistryError(f"{alias!r} already names {self._ids[alias]}. Choose another alias.")
        changed = dict(self.configs)
        for name in configs:
            config = self.config(name)
            members = tuple(dict.fromkeys((*config.models, model.model_id)))
            try:
                changed[name] = RouterConfig.model_validate({**config.model_dump(), "models": members})
            except ValidationError as error:
                raise RegistryError(f"config {name!r}: {error.errors()[0]['msg']}") from None
        return replace(self, models={**self.models, model.model_id: model}, configs=changed)


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
        "models": [model.model_dump(mode="json", exclude_defaults=True) for model in registry.models.values()],
        "configs": [config.model_dump(mode="json", exclude_defaults=True) for config in registry.configs.values()],
    }


class _Compiled(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["pointsman-registry"]
    format_version: Literal[1]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    models: tuple[Model, ...]
    configs: tuple[RouterConfig, ...]


def _read_compiled(path: Path) -> Registry:
    """A compiled registry. It was checked when it was made; what is checked here is that it is still that."""
    remedy = "compile it again: python -m artifacts_build registry"
    try:
        document = _Compiled.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from None
    except ValidationError as error:
        faults = [Fault(".".join(map(str, e["loc"])) or "(file)", e["msg"], remedy) for e in error.errors()]
        first = f"{faults[0].field}: {faults[0].message}"
        raise RegistryError(f"{path}: not a compiled registry of this version ({first}); {remedy}", faults) from None
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{path}: not JSON ({error}); {remedy}") from None
    models = {model.model_id: model for model in document.models}
    for config in document.configs:
        for name in config.models:
            if name not in models:
                raise RegistryError(f"{path}: the config {config.name!r} names {name!r}, which is not in it; {remedy}")
    return Registry(models, {config.name: config for config in document.configs}, document.digest)


def _read_folder(folder: Path) -> Registry:
    faults: list[Fault] = []
    files = {kind: _files(folder / kind, faults) for kind in ("models", "routers")}
    models = [(file, model) for file in files["models"] if (model := _parse(file, Model, faults))]
    configs = [(file, c) for file in files["routers"] if (c := _parse(file, RouterConfig, faults))]
    ids = _distinct_ids(models, faults)
    resolved: dict[str, RouterConfig] = {}
    for file, config in configs:
        faults.extend(_member_faults(file, config, ids))
        if config.name in resolved:
            faults.append(file.fault("name", "another file has this name too", "rename one", config.name))
        members = tuple(ids.get(name, name) for name in config.models)
        resolved[config.name] = config.model_copy(update={"models": members})
    if faults:
        raise RegistryError(f"{folder}: {len(faults)} fault{'s' if len(faults) > 1 else ''} in the registry", faults)
    return Registry(
        models={model.model_id: model for _, model in sorted(models, key=lambda pair: pair[1].model_id)},
        configs=dict(sorted(resolved.items())),
        digest=_digest([*files["models"], *files["routers"]]),
    )


def _files(folder: Path, faults: list[Fault]) -> list["YamlFile"]:
    from pointsman.yaml_files import read_yaml

    paths = sorted(p for p in folder.glob("*") if p.suffix in (".yaml", ".yml")) if folder.is_dir() else []
    if not paths:
        faults.append(Fault(str(folder), "no registry files here", "name another folder with --registry"))
    read = [read_yaml(path) for path in paths]
    for file in read:
        faults.extend(file.faults)
    return read


def _parse(file: "YamlFile", kind: type[T], faults: list[Fault]) -> T | None:
    from pointsman.yaml_files import faults_of

    if file.data is None:
        return None
    try:
        return kind.model_validate(file.data)
    except ValidationError as error:
        faults.extend(faults_of(file, error, kind))
        return None


def _distinct_ids(models: Sequence[tuple["YamlFile", Model]], faults: list[Fault]) -> dict[str, str]:
    """Every id and alias to its model id; one that two models claim is a fault of the later file."""
    ids: dict[str, str] = {}
    for file, model in models:
        for field, name in _names(model):
            owner = ids.setdefault(name, model.model_id)
            if owner != model.model_id or (field == "model_id" and _claims(models, name) > 1):
                faults.append(file.fault(field, f"already names {owner}", "choose another", name))
    return ids


def _names(model: Model) -> Iterator[tuple[str, str]]:
    yield "model_id", model.model_id
    for i, alias in enumerate(model.aliases):
        yield f"aliases.{i}", alias


def _claims(models: Sequence[tuple["YamlFile", Model]], model_id: str) -> int:
    return sum(model.model_id == model_id for _, model in models)


def _member_faults(file: "YamlFile", config: RouterConfig, ids: Mapping[str, str]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for i, name in enumerate(config.models):
        if name not in ids:
            remedy = _did_you_mean(name, ids) or "add a file for it under models/"
            yield file.fault(f"models.{i}", "no model has this id or alias", remedy, name)
        elif ids[name] in seen:
            yield file.fault(f"models.{i}", f"the same model as {seen[ids[name]]}", "remove one", name)
        else:
            seen[ids[name]] = name


def _did_you_mean(name: str, known: Mapping[str, str]) -> str | None:
    close = get_close_matches(name[:200], known, n=1, cutoff=0.75)
    return f"Did you mean {close[0]!r}?" if close else None


def _digest(files: Sequence["YamlFile"]) -> str:
    """A sha256 over names and contents, the same for the same registry wherever it lies."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.path.parent.name}/{file.path.name}\0".encode())
        total.update(hashlib.sha256(file.text.encode()).digest())
    return total.hexdigest()
