"""`predict`: an artifact's predictions for tables of prompts, responses and models."""

from pathlib import Path

import click

from artifacts_build.commands import ARTIFACT, CACHE, FILE, FOLDER
from artifacts_build.commands.data import benchmarks_option


@click.command()
@click.option("--prompts", type=FILE, required=True, help="Parquet with prompt_id and prompt.")
@click.option("--responses", type=FILE, required=True, help="Parquet with prompt_id and model_id, a row a prediction.")
@click.option("--models", type=FILE, required=True, help="CSV with model_id, gpqa_diamond, livecodebench (percent).")
@benchmarks_option()
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--out", type=FILE, required=True, help="The Parquet file to write.")
@click.option("--formula", is_flag=True, help="The published formula alone, without what outcomes taught.")
@click.option("--cache", type=FOLDER, default=CACHE, show_default=True, help="Embeddings are kept here.")
def predict(
    prompts: Path,
    responses: Path,
    models: Path,
    benchmarks: tuple[Path, ...],
    artifact: Path,
    out: Path,
    formula: bool,
    cache: Path,
) -> None:
    """Predict every (prompt, model) row of a table: p, sigma and difficulty.

    A model that the artifact has outcomes for is matched by id; the others are predicted from their scores: those of
    --models, and all those of --benchmarks.
    """
    from artifacts_build.training.predict import predict_table

    click.echo(predict_table(prompts, responses, models, artifact, out, cache, formula, benchmarks))
