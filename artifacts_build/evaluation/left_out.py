"""What is predicted of models and sources that were not trained on, what `sigma` is worth, and what each part brought.

Left out means left out of everything: of difficulty, domains and residuals too. Figures are of held-out prompts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from artifacts_build.datasets.outcomes import Floats, Outcomes
from artifacts_build.errors import BuildError
from artifacts_build.evaluation.experiment import Experiment, Mask
from artifacts_build.evaluation.measures import Measures, measure
from artifacts_build.training.fit import Parts, predict_rows

GROUP_SIZE = 20
# Sources are left out some at a time: a fit for each of them alone takes hours, and a fit that lacks several is judged
# harder. `train --sources-left-out` leaves out each source alone.
SOURCE_GROUPS = 6
# A model or a group with fewer held-out rows says nothing by itself.
FEWEST_ROWS = 30
Z90 = 1.6448536

# What is switched off, one at a time, and what that leaves.
ABLATION = {
    "everything": Parts(),
    "without anchors": Parts(anchors=False),
    "without domains": Parts(domains=False),
    "without published scores beyond two": Parts(scores=False),
    "without outcomes of models": Parts(outcomes=False),
    "without novelty": Parts(novelty=False),
    "without prompt effects": Parts(prompt_effects=False),
}


def model_groups(data: Outcomes, size: int) -> list[list[str]]:
    """Base models with published scores, dealt into groups of about `size` that each span weak to strong."""
    capability = {data.base_models[m]: data.capability[m] for m in np.unique(data.response_model[data.scored()])}
    ordered = sorted(capability, key=lambda name: (capability[name], name))
    count = max(1, round(len(ordered) / size))
    return [ordered[start::count] for start in range(count)]


def holdout_models(experiment: Experiment, size: int = GROUP_SIZE) -> dict[str, Any]:
    """Each base model predicted from its scores alone, by fits that never saw it, its variants or its agents."""
    data = experiment.data
    judged = experiment.held_out_rows()
    base = np.array(data.base_models)[data.response_model]
    predicted: dict[str, Floats] = {name: np.full(len(data.score), np.nan) for name in MODEL_RIVALS}
    sigma = np.full(len(data.score), np.nan)
    for group in tqdm(model_groups(data, size), desc="models left out", disable=None):
        rows = judged & np.isin(base, group)
        if not rows.any():
            continue
        (full,) = experiment.fits([Parts()], models=group)
        predictors = (full.predictor, full.predictor.formula())
        for name, predictor in zip(MODEL_RIVALS, predictors, strict=True):
            mu, sd = predict_rows(predictor, data, experiment.embedded.prompts, rows)
            predicted[name][rows] = mu
            if name == "refined":
                sigma[rows] = sd
    done = judged & np.isfinite(sigma)
    by_model = {
        str(name): {
            rival: measure(p[done & (base == name)], data.score[done & (base == name)])
            for rival, p in predicted.items()
        }
        for name in np.unique(base[done])
        if (done & (base == name)).sum() >= FEWEST_ROWS
    }
    # The mean of one benchmark alone stands for both.
    half = np.isnan(data.gpqa_diamond) != np.isnan(data.livecodebench)
    one_score = done & half[data.response_model]
    return {
        "group_size": size,
        "models": len(np.unique(base[done])),
        "pooled": {name: measure(p[done], data.score[done]) for name, p in predicted.items()},
        "by_work": experiment.measured_by_work(done, predicted["refined"][done]),
        "one_score_missing": {name: measure(p[one_score], data.score[one_score]) for name, p in predicted.items()}
        if one_score.any()
        else {},
        "mean_sigma": _number(sigma[done].mean()),
        "mean_sigma_with_outcomes": _number(
            predict_rows(experiment.predictor, data, experiment.embedded.prompts, done)[1].mean()
        ),
        "by_model": by_model,
    }


MODEL_RIVALS = ("refined", "formula")


def check_sources(experiment: Experiment) -> None:
    """Raise BuildError where there are no two sources to leave one out of."""
    sources = np.unique(experiment.data.prompt_source[experiment.data.response_prompt[experiment.data.scored()]])
    if len(sources) < 2:
        raise BuildError(
            f"Of models with published scores there are outcomes of {len(sources)} source(s); to leave one out there "
            "must be two. Add another with --dataset, or scores with --models."
        )


def source_groups(experiment: Experiment, count: int = SOURCE_GROUPS) -> list[list[str]]:
    """Sources with responses of scored models, dealt into `count` groups: agent work apart, large sources apart."""
    data = experiment.data
    of_row = data.prompt_source[data.response_prompt]
    names, rows = np.unique(of_row[experiment.held_out_rows()], return_counts=True)
    agent = {name: bool(experiment.agent_work[data.prompt_source == name].any()) for name in names}
    size = dict(zip(names, rows, strict=True))
    ordered = [str(name) for name in sorted(names, key=lambda name: (not agent[name], -size[name], name))]
    groups = min(count, len(ordered))
    return [ordered[start::groups] for start in range(groups)]


def holdout_sources(experiment: Experiment, count: int = SOURCE_GROUPS) -> dict[str, Any]:
    """Each source predicted by a fit that never saw a prompt of it, nor of the sources of its group.

    Raises:
        BuildError: there is only one source.
    """
    check_sources(experiment)
    data, prompts = experiment.data, experiment.embedded.prompts
    rows = experiment.held_out_rows()
    source = data.prompt_source[data.response_prompt]
    inside_mu, inside_sigma = predict_rows(experiment.predictor, data, prompts, rows)
    inside: Floats = np.full(len(data.score), np.nan)
    inside[rows] = inside_sigma
    mu = {name: np.full(len(data.score), np.nan) for name in ("refined", "formula")}
    sigma = np.full(len(data.score), np.nan)
    groups = source_groups(experiment, count)
    for group in tqdm(groups, desc="sources left out", disable=None):
        (fit,) = experiment.fits([Parts()], sources=group)
        # Every row of a source that was left out is one that was not trained on.
        own = data.scored() & np.isin(source, group)
        mu["refined"][own], sigma[own] = predict_rows(fit.predictor, data, prompts, own)
        mu["formula"][own], _ = predict_rows(fit.predictor.formula(), data, prompts, own)
    by_source = {}
    for name in [name for group in groups for name in group]:
        own = rows & (source == name)
        every = data.scored() & (source == name)
        by_source[name] = {
            "left_out": measure(mu["refined"][own], data.score[own]),
            "formula_left_out": measure(mu["formula"][own], data.score[own]),
            "mean_sigma_left_out": _number(sigma[own].mean()),
            "mean_sigma": _number(inside[own].mean()),
            "coverage_left_out": group_coverage(data, every, mu["refined"][every], sigma[every]),
        }
    left_out = np.isfinite(sigma)
    return {
        "groups": groups,
        "pooled": {name: measure(p[rows], data.score[rows]) for name, p in mu.items()},
        "by_work": experiment.measured_by_work(rows, mu["refined"][rows]),
        "pooled_with_every_source": measure(inside_mu, data.score[rows]),
        "mean_sigma_left_out": _number(sigma[rows].mean()),
        "mean_sigma": _number(inside_sigma.mean()),
        "by_source": by_source,
        "coverage_left_out": {
            name: group_coverage(data, own, mu["refined"][own], sigma[own])
            for name, own in experiment.by_work(left_out).items()
            if own.any()
        },
    }


def coverage(experiment: Experiment) -> dict[str, Any]:
    """How often a 90 % interval on the completion rate of a model on a task holds what was observed."""
    data = experiment.data
    result = {}
    for name, rows in (
        ("scored models", experiment.held_out_rows()),
        ("all models", experiment.held_out_rows(scored=False)),
    ):
        mu, sigma = predict_rows(experiment.predictor, data, experiment.embedded.prompts, rows)
        result[name] = group_coverage(data, rows, mu, sigma)
    return result


def group_coverage(data: Outcomes, rows: Mask, mu: Floats, sigma: Floats) -> dict[str, Any]:
    """Of groups (source, task, model) with enough rows: |observed - predicted| within 1.645 standard deviations.

    The variance of a rate is mean(sigma)^2, the predictor's own doubt, plus mean(mu (1 - mu)) / n, chance.
    """
    prompt = data.response_prompt[rows]
    kinds = np.char.add(np.char.add(data.prompt_source.astype(str), "\0"), data.prompt_task.astype(str))
    _, kind = np.unique(kinds, return_inverse=True)
    _, group = np.unique(kind[prompt] * len(data.model_ids) + data.response_model[rows], return_inverse=True)
    n = np.bincount(group)
    mean = {
        name: np.bincount(group, values) / n
        for name, values in (("score", data.score[rows]), ("mu", mu), ("sigma", sigma), ("chance", mu * (1 - mu)))
    }
    large = n >= FEWEST_ROWS
    if not large.any():
        return {"groups": 0, "coverage": None, "coverage_by_chance_alone": None}
    chance = mean["chance"] / n
    off = np.abs(mean["score"] - mean["mu"])
    return {
        "groups": int(large.sum()),
        "coverage": _number((off <= Z90 * np.sqrt(mean["sigma"] ** 2 + chance))[large].mean()),
        "coverage_by_chance_alone": _number((off <= Z90 * np.sqrt(chance))[large].mean()),
    }


def ablation(experiment: Experiment, count: int = SOURCE_GROUPS) -> dict[str, Any]:
    """What each part brought: everything, everything but one part, and the formula alone.

    Raises:
        BuildError: there is only one source.
    """
    check_sources(experiment)
    data = experiment.data
    rows = experiment.held_out_rows()
    source = data.prompt_source[data.response_prompt]

    def measured(mu: Floats) -> dict[str, Measures]:
        return {"all work": measure(mu, data.score[rows]), **experiment.measured_by_work(rows, mu)}

    inside = {
        name: measured(predict_rows(one, data, experiment.embedded.prompts, rows)[0])
        for name, one in _variants(experiment, ()).items()
    }
    out = {name: np.full(len(data.score), np.nan) for name in inside}
    for group in tqdm(source_groups(experiment, count), desc="ablation, sources left out", disable=None):
        own = rows & np.isin(source, group)
        for name, one in _variants(experiment, group).items():
            out[name][own], _ = predict_rows(one, data, experiment.embedded.prompts, own)
    return {
        "held_out": inside,
        "source_left_out": {name: measured(p[rows]) for name, p in out.items()},
    }


def _variants(experiment: Experiment, sources: Sequence[str]) -> Mapping[str, Any]:
    fits = experiment.fits(list(ABLATION.values()), sources=sources)
    predictors = {name: fit.predictor for name, fit in zip(ABLATION, fits, strict=True)}
    return {**predictors, "the formula alone": predictors["everything"].formula()}


def _number(value: Any) -> float:
    return round(float(value), 4)
