"""`evaluate workload`: what each config chooses on a plausible week, beside always-one and a coin."""

from pathlib import Path

import click

from artifacts_build.commands import ARTIFACT, FILE, FOLDER, REGISTRY


@click.command()
@click.option("--artifact", type=FOLDER, default=ARTIFACT, show_default=True)
@click.option("--registry", type=FOLDER, default=REGISTRY, show_default=True)
@click.option("--config", "configs", multiple=True, help="Only these configs. [default: all of the registry]")
@click.option(
    "--week", type=FILE, help="Another workload: JSONL of kind and prompt or messages. [default: the bundled one]"
)
@click.option("--out", type=FILE, default=Path("docs/evaluation/workload.md"), show_default=True)
def workload(artifact: Path, registry: Path, configs: tuple[str, ...], week: Path | None, out: Path) -> None:
    """Decide a week of work with each config; nothing is recorded, no data is needed."""
    from pointsman import Router
    from tqdm import tqdm

    from artifacts_build.evaluation.workload import WEEK, decide_week, page, read_week, summary

    router = Router.load(artifact, registry)
    requests = read_week(week or WEEK)
    names = configs or tuple(router.registry.configs)
    found = {name: summary(decide_week(router, name, requests)) for name in tqdm(names, unit=" configs", disable=None)}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(found), encoding="utf-8")
    click.echo(f"wrote {out}", err=True)
