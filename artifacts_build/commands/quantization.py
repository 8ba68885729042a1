"""`check-quantization`: whether an exported embedder is close enough to its checkpoint."""

from pathlib import Path

import click

from artifacts_build.commands import FILE, FOLDER


@click.command("check-quantization")
@click.option("--checkpoint", required=True, help="The checkpoint's folder, or its hub id.")
@click.option("--embedder", type=FOLDER, required=True, help="The folder that `export` wrote.")
@click.option("--prompts", type=FILE, required=True, help="A file of prompts: one a line, or .jsonl with `prompt`.")
@click.option(
    "--min-cosine",
    type=click.FloatRange(-1, 1),
    default=0.985,
    show_default=True,
    help="Refuse the embedder if any prompt's cosine to the exact vector is less.",
)
def check_quantization(checkpoint: str, embedder: Path, prompts: Path, min_cosine: float) -> None:
    """Compare an exported embedder with its checkpoint on real prompts, and refuse it if it is too far off.

    Every prompt is embedded with the exported network, with the exact one in float32, and with `transformers`
    where it is installed. Exits with 1 where the worst cosine is under --min-cosine.
    """
    from artifacts_build.embedders.qwen3.check import compare, read_prompts
    from artifacts_build.errors import BuildError

    texts = read_prompts(prompts)
    found = compare(checkpoint, embedder, texts)
    low, median = found.cosines.min(), float(sorted(found.cosines)[len(texts) // 2])
    click.echo(f"prompts  {len(texts)}")
    click.echo(f"cosine   worst {low:.4f}, median {median:.4f}, mean {found.cosines.mean():.4f}")
    if found.exact_error is None:
        click.echo("transformers is not installed: compared with the exact graph alone")
    else:
        click.echo(f"the exact graph is within {found.exact_error:.1e} of transformers")
    if low < min_cosine:
        raise BuildError(
            f"{embedder}: the worst cosine {low:.4f} is under {min_cosine} (prompt {found.worst + 1} of {prompts}: "
            f"{texts[found.worst][:60]!r}). Export with --quantize int8, or with --min-cosine and these --prompts."
        )
