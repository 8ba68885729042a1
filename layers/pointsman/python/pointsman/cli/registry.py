"""`pointsman models`, `configs` and `registry check`: what the registry holds, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.cli.options import FOLDER, fault_line, json_option, print_json, registry_of, registry_option
from pointsman.errors import Fault, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pointsman.registry import Model
    from pointsman.registry.plausibility import Finding


@click.command()
@json_option
@registry_option
def models(as_json: bool, registry: Path | None) -> None:
    """List the models of the registry, with what is known at the default effort (marked *)."""
    for model in registry_of(registry).models.values():
        if as_json:
            print_json({**model.model_dump(mode="json", by_alias=True), "capability": model.capability}, indent=None)
        else:
            known = "   –" if model.capability is None else f"{model.capability:.1%}"
            rates = model.rates
            prices = (
                "price unknown" if rates is None else f"${rates.input * 1000:g} / ${rates.output * 1000:g} per million"
            )
            levels = " ".join(f"{level}{'*' * (level == model.default_level)}" for level in model.levels)
            click.echo(f"{model.model_id:40} {known:>6}  {prices:30} {levels}".rstrip())


@click.command()
@json_option
@registry_option
def configs(as_json: bool, registry: Path | None) -> None:
    """List the router configs."""
    for config in registry_of(registry).configs.values():
        if as_json:
            print_json(config.model_dump(mode="json"), indent=None)
        else:
            bar = f"threshold {config.completion_threshold:g}, up to {config.max_k} of {len(config.models)} models"
            click.echo(f"{config.name:16} {bar}: {config.description}")


@click.group()
def registry() -> None:
    """Look after the registry."""


price_file_option = click.option(
    "--price-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="litellm's price file, where litellm is not installed.",
)


@registry.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@price_file_option
@registry_option
def check(folder: Path | None, strict: bool, price_file: Path | None, registry: Path | None) -> None:
    """Check every file of a registry FOLDER: what is wrong, and what is hardly meant, all at once."""
    place = place_of(folder or registry)
    faults: list[Fault] = []
    try:
        known = registry_of(place)
    except RegistryError as error:
        if not error.faults:
            raise
        faults.extend(error.faults)
    for finding in judged(place, price_file) if place.is_dir() else ():
        if strict or finding.severity == "error":
            faults.append(finding.fault)
        else:
            click.echo(f"warning: {fault_line(finding.fault)}")
    if faults:
        raise RegistryError(f"{place}: {len(faults)} fault{'s' if len(faults) > 1 else ''} in the registry", faults)
    click.echo(f"{len(known.models)} models and {len(known.configs)} configs, no fault.")


@registry.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if something would change.")
@click.option("--accept", is_flag=True, help="Take also what is told as doubtful.")
@click.option("--missing", is_flag=True, help="List every model that the packages have and the registry has not.")
@price_file_option
@registry_option
def update(
    folder: Path | None, only_check: bool, accept: bool, missing: bool, price_file: Path | None, registry: Path | None
) -> None:
    """Bring prices, limits and features of a registry FOLDER up to date with the price packages."""
    from pointsman.registry.packages import packages
    from pointsman.registry.update import changes_of, write_changes

    place = place_of(folder or registry)
    if not place.is_dir():
        raise RegistryError(f"{place}: not a folder. Name the folder of YAML files, not what was compiled from it.")
    known = packages(price_file)
    if not known.names:
        raise RegistryError("No price package is installed. Install one: pip install 'pointsman[registry]'.")
    models = registry_of(place).models
    changed = 0
    for path, model in files_of(place, models):
        changes = changes_of(model, known, accept)
        if changes:
            click.echo(model.model_id)
        for change in changes:
            click.echo(f"  {change}")
        if any(change.taken for change in changes):
            changed += 1
            if not only_check:
                write_changes(path, changes)
    absent = known.missing(models.values())
    for name in absent if missing else ():
        click.echo(f"not in the registry: {name}")
    done = "to change" if only_check else "changed"
    click.echo(f"{' and '.join(known.names)}: {changed} of {len(models)} models {done}.")
    click.echo(f"{len(absent)} of their models are not in the registry{'' if missing else ' (--missing lists them)'}.")
    if only_check and changed:
        raise RegistryError(f"{place}: {changed} models are not up to date. Run `pointsman registry update`.")


def files_of(folder: Path, models: "Mapping[str, Model]") -> "Iterator[tuple[Path, Model]]":
    """The models of a folder without faults, each with its file."""
    from pointsman.registry.folders import registry_paths
    from pointsman.registry.yaml_files import read_yaml

    for path in registry_paths(folder, [])["models"]:
        if (data := read_yaml(path).data) is not None:
            yield path, models[data["model_id"]]


def judged(folder: Path, price_file: Path | None) -> "list[Finding]":
    """What is implausible in a registry folder, held against the price packages that are there."""
    from pointsman.registry.packages import packages
    from pointsman.registry.plausibility import judge

    return judge(folder, packages(price_file))


def place_of(registry: Path | None) -> Path:
    """Where the registry is: the folder that is named, else that of the settings."""
    from pointsman.settings import load_settings

    return load_settings(registry=registry).registry
