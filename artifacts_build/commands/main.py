"""The commands of the build step; `python -m artifacts_build --help` lists them."""

import sys

import click
from pointsman.errors import PointsmanError

from artifacts_build.commands.compile_registry import compile_registry
from artifacts_build.commands.evaluate import evaluate
from artifacts_build.commands.export import export
from artifacts_build.commands.flatten import flatten
from artifacts_build.commands.package import artifact, keypair, sign, wheel
from artifacts_build.commands.predict import predict
from artifacts_build.commands.quantization import check_quantization
from artifacts_build.commands.train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Build what Pointsman serves with: an embedder, trained weights, and the artifact of both."""


for command in (
    export,
    check_quantization,
    train,
    evaluate,
    predict,
    flatten,
    artifact,
    compile_registry,
    wheel,
    keypair,
    sign,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; an error of ours is one line and a non-zero exit."""
    try:
        cli()
    except (PointsmanError, ModuleNotFoundError, OSError, ValueError, RuntimeError) as error:
        click.echo(f"artifacts_build: {error}", err=True)
        sys.exit(1)
