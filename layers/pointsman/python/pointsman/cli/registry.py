"""`pointsman models`, `configs` and `registry check`: what the registry holds, and what is wrong with it."""

from pathlib import Path

import click

from pointsman.cli.options import FOLDER, json_option, print_json, registry_of, registry_option


@click.command()
@json_option
@registry_option
def models(as_json: bool, registry: Path | None) -> None:
    """List the models of the registry."""
    for model in registry_of(registry).models.values():
        if as_json:
            print_json({**model.model_dump(mode="json", by_alias=True), "capability": model.capability}, indent=None)
        else:
            known = "   –" if model.capability is None else f"{model.capability:.1%}"
            rates = model.rates
            prices = (
                "price unknown" if rates is None else f"${rates.input * 1000:g} / ${rates.output * 1000:g} per million"
            )
            click.echo(f"{model.model_id:40} {known:>6}  {prices}")


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


@registry.command()
@click.argument("folder", type=FOLDER, required=False)
@registry_option
def check(folder: Path | None, registry: Path | None) -> None:
    """Check every file of a registry FOLDER and report every fault at once."""
    known = registry_of(folder or registry)
    click.echo(f"{len(known.models)} models and {len(known.configs)} configs, no fault.")
