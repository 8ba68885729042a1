"""`export`: an embedder to ONNX."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from artifacts_build.commands import EMBEDDERS, FILE, FOLDER

if TYPE_CHECKING:
    from pointsman.embedders.onnx import EmbedderSettings

    from artifacts_build.embedders.qwen3.precision import TableBits

TABLE_BITS: dict[str, "TableBits"] = {"32": 32, "8": 8, "4": 4}
DEFAULT = "use-multilingual"


@click.command()
@click.option(
    "--embedder",
    default=DEFAULT,
    show_default=True,
    help="use-multilingual, a Qwen3 checkpoint's folder, or its hub id such as Qwen/Qwen3-Embedding-0.6B.",
)
@click.option("--out", type=FOLDER, help=f"The folder to write. [default: {EMBEDDERS}/EMBEDDER]")
@click.option(
    "--quantize",
    type=click.Choice(["none", "int8", "int8-wide", "fast", "int4"]),
    default="int8",
    show_default=True,
    help="none: float32, exact. int8: 8 bits in blocks of 32, accurate. int8-wide: in blocks of 128. "
    "fast: 8 bits with one scale a token. int4: 4 bits in blocks of 32, small.",
)
@click.option(
    "--table-bits", type=click.Choice(list(TABLE_BITS)), help="Bits of the token table. [default: by --quantize]"
)
@click.option("--layers", type=int, help="Stop after so many layers: faster, another embedder. [default: all]")
@click.option("--max-tokens", type=int, help="Longer texts are cut. [default: 4096, or what the checkpoint allows]")
@click.option("--prompts", type=FILE, help="With --min-cosine: prompts to measure on, one a line.")
@click.option(
    "--min-cosine",
    type=click.FloatRange(0, 1, max_open=True),
    help="Keep the matrices that suffer most in more bits until no prompt's cosine is less.",
)
@click.pass_context
def export(
    context: click.Context,
    embedder: str,
    out: Path | None,
    quantize: str,
    table_bits: str | None,
    layers: int | None,
    max_tokens: int | None,
    prompts: Path | None,
    min_cosine: float | None,
) -> None:
    """Export an embedder to an ONNX graph, a tokenizer and its settings.

    All options but --embedder and --out are for Qwen3 checkpoints. An embedder with other --quantize,
    --table-bits, --layers or --max-tokens is another one: weights are trained for each.
    """
    given = [name for name in context.params if name not in ("embedder", "out") and _is_given(context, name)]
    out = out or EMBEDDERS / Path(embedder).name
    if embedder == DEFAULT:
        if given:
            raise click.UsageError(f"--{given[0].replace('_', '-')} is for Qwen3 checkpoints, not for {DEFAULT}.")
        from artifacts_build.embedders.export import export_use_multilingual

        settings = export_use_multilingual(out)
    else:
        settings = _export_qwen3(embedder, out, quantize, table_bits, layers, max_tokens, prompts, min_cosine)
    size = sum(path.stat().st_size for path in out.iterdir())
    click.echo(f"{out}: {settings.name}, {settings.dimensions} dimensions, {size / 1e6:.0f} MB")
    click.echo(f"fingerprint {settings.fingerprint}")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _export_qwen3(
    embedder: str,
    out: Path,
    quantize: str,
    table_bits: str | None,
    layers: int | None,
    max_tokens: int | None,
    prompts: Path | None,
    min_cosine: float | None,
) -> "EmbedderSettings":
    from artifacts_build.embedders.qwen3.check import read_prompts
    from artifacts_build.embedders.qwen3.export import Calibration, export_qwen3
    from artifacts_build.embedders.qwen3.settings import QUANTIZATIONS

    if (prompts is None) != (min_cosine is None):
        raise click.UsageError("--prompts and --min-cosine go together.")
    kept = QUANTIZATIONS[quantize]
    if table_bits is not None:
        kept = replace(kept, table_bits=TABLE_BITS[table_bits])
    calibration = None
    if prompts is not None and min_cosine is not None:
        calibration = Calibration(read_prompts(prompts), min_cosine)
    return export_qwen3(embedder, out, kept, layers, max_tokens, calibration)
