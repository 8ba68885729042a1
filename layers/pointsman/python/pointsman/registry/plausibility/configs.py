"""Configs that are hardly meant: bars that all or none clear, worths in cents, candidates that cannot be chosen."""

from pointsman.registry.catalogue import Registry
from pointsman.registry.plausibility.findings import ConfigFile, Findings


def config_findings(one: ConfigFile, registry: Registry) -> Findings:
    """A router config and its candidates."""
    config = one.config
    if config.completion_threshold in (0, 1) and config.policy == "threshold":
        cleared = "every candidate clears" if config.completion_threshold == 0 else "no candidate clears"
        remedy = "Choose a bar between 0.5 and 0.95."
        yield one.finding(
            "warning", "completion_threshold", f"a bar that {cleared}", remedy, config.completion_threshold
        )
    if config.worth_usd is not None and config.worth_usd > 100:
        remedy = f"Write USD an answer, such as {config.worth_usd / 100:g} if these are cents."
        yield one.finding("warning", "worth_usd", "more than an answer is worth to most", remedy, config.worth_usd)
    if config.worth_usd is not None and config.policy == "threshold":
        remedy = "Add `policy: value`, or remove it."
        yield one.finding("warning", "worth_usd", "not read by the threshold policy", remedy, config.worth_usd)
    if config.worth_of_a_second > 1:
        remedy = "Write USD a second; most people wait for less than 0.01."
        yield one.finding("warning", "worth_of_a_second", "a dear second", remedy, config.worth_of_a_second)
    for i, name in enumerate(config.models):
        model = registry.model(name)
        unmeasured = [
            candidate.candidate_id
            for candidate in registry.expand([name], config.efforts)
            if not candidate.benchmarks and model.figures
        ]
        if unmeasured:
            message = f"nothing was measured at {', '.join(unmeasured)}"
            remedy = "Name efforts with scores; without, those of the nearest effort stand in."
            yield one.finding("warning", f"models.{i}", message, remedy, name)
        if not model.price_known:
            remedy = "Add its price; until then it is never chosen by price."
            yield one.finding("warning", f"models.{i}", "its price is unknown", remedy, name)
        if model.replaced_by is not None:
            remedy = f"Name {model.replaced_by}, which answers in its place."
            yield one.finding("warning", f"models.{i}", "served by another model by now", remedy, name)
        if not model.figures:
            remedy = "Add its published scores; until then it is predicted as an average model."
            yield one.finding("warning", f"models.{i}", "nothing is published of it", remedy, name)
