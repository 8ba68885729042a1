"""The model card and the table of figures, written from the manifest so that they cannot disagree with it."""

from collections.abc import Mapping
from typing import Any

from pointsman.routing.predictor import Predictor

# What each source is and under which licence it was published.
SOURCES = {
    "mmlu_pro": ("Apache-2.0", "MMLU-Pro: ten-way multiple choice"),
    "zeroeval": ("Apache-2.0", "ZeroEval: GSM8K, MATH level 5, CRUX, ZebraLogic, MMLU-Redux"),
    "llmrouter": (
        "MIT",
        "LLMRouter: twelve tasks, small open models; labels partly measure the answer's format",
    ),
    "planbench": ("MIT", "PlanBench: planning problems"),
    "routellm": ("Apache-2.0", "RouteLLM: MMLU and GSM8K, two models"),
    "swebench_verified": ("MIT", "SWE-bench Verified: agent systems only; informs difficulty"),
    "terminal_bench": ("MIT", "Terminal-Bench: agent systems only; informs difficulty"),
    "misguided_attention": ("CC0-1.0", "Misguided Attention: trick questions"),
}
COLUMNS = {
    "responses": "responses",
    "completion_rate": "completed",
    "predicted_rate": "predicted",
    "auc": "AUC",
    "log_loss": "log-loss",
    "base_rate_log_loss": "log-loss of the base rate",
    "expected_calibration_error": "ECE",
}


def report(metrics: Mapping[str, Any]) -> str:
    """The figures as one Markdown table, and those of the formula alone as another."""
    return "\n".join(
        [*_table(metrics), "", "The published formula alone, on the same rows:", "", *_table(metrics["formula"])]
    )


def _table(metrics: Mapping[str, Any]) -> list[str]:
    lines = [f"| held-out prompts of | {' | '.join(COLUMNS.values())} |", "|---|" + "--:|" * len(COLUMNS)]
    rows = [("all sources", metrics["held_out"])]
    rows += [(name, row) for name, row in metrics["by_source"].items()]
    rows += [(f"{name}, trained without it", row) for name, row in metrics["source_left_out"].items()]
    if "held_out_every_model" in metrics:
        rows.append(("all sources, systems and models without scores too", metrics["held_out_every_model"]))
    for name, row in rows:
        cells = ("–" if row[column] is None else f"{row[column]:,}" for column in COLUMNS)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def model_card(manifest: Mapping[str, Any], predictor: Predictor) -> str:
    """MODEL_CARD.md of a weights folder."""
    training, metrics = manifest["training"], manifest["metrics"]
    split, view = training["split"], manifest["view"]
    sources = "\n".join(
        f"| {name} | {' | '.join(SOURCES.get(name, ('see the data', '')))} | {row['prompts']:,} | "
        f"{row['held_out_prompts']:,} | {row['responses']:,} | {row['responses_with_capability']:,} | {row['models']} |"
        for name, row in training["sources"].items()
    )
    held, left_out = metrics["held_out"], metrics["source_left_out"]
    refined = training["refinement"]
    new_kind = "What a new kind of prompt does to it was not measured: there is one source only."
    if left_out:
        worst = max(left_out, key=lambda name: left_out[name]["expected_calibration_error"])
        error = left_out[worst]["expected_calibration_error"]
        new_kind = f"With a source left out, calibration error rises to {error} ({worst})."
    return f"""# Model card: the `{manifest["name"]}` weights

Made {manifest["created"]} by `python -m artifacts_build train`; this page is written by that command, from the
same figures as `manifest.json`.

## What it is

The published formula,

    P(model completes prompt) = sigmoid(a * capability + b * difficulty + c)
    a = {predictor.a:.3f}    b = {predictor.b:.3f}    c = {predictor.c:.3f}

- `capability` is the mean of a model's published GPQA Diamond and LiveCodeBench scores, as a fraction. A model without
  either gets the training mean, {predictor.capability_mean:.3f}.
- `difficulty`, in logits, is a ridge regression on the embedding of the prompt's view, clipped to the range seen in
  training, [{predictor.difficulty_low:.2f}, {predictor.difficulty_high:.2f}].
- The embedder is `{manifest["embedder"]["name"]}` ({manifest["embedder"]["dimensions"]} dimensions); the view has at most
  {view["max_tokens"]} tokens: {view["head_tokens"]} of head, {view["tail_tokens"]} of tail, the rest for the user's request.

Difficulty and ability were fitted together: a Rasch model with Gaussian priors over all sources and models. The ridge
was fitted to that difficulty, multiple-choice prompts with and without their options (penalty
{training["ridge_penalty"]:g}, out-of-fold R² {training["out_of_fold_r2"]:.3f}), and the three coefficients to the difficulty predicted out of
fold. One slope for all models means that models rank alike on every prompt: what differs between prompts is how far
down the ladder of cost one may go.

And its refinement, which is what runs unless it is switched off (`POINTSMAN_REFINEMENT=false`):

- **Domains**: {refined["domains"]} soft clusters of embeddings, their number chosen out of fold, each with a shift of difficulty
  (out-of-fold R² {refined["out_of_fold_r2"]:.3f}), and coefficients of its own: {", ".join(f"{value:.3f}" for value in refined["coefficients"])}.
- **Residuals** of the {refined["models_with_outcomes"]} models and systems with outcomes, for each domain, shrunken by empirical Bayes
  (standard deviations: {", ".join(f"{name} {value:g}" for name, value in refined["residual_sds"].items())}). A model without outcomes gets none.
- **`sigma`**: the ridge's posterior, scaled to how far off whole kinds of prompts are, and the residual's posterior; for
  a model without outcomes the spread of the residuals of those that have some ({refined["new_model_sd"]:.2f} logits).
- **Output length**: exp({refined["length_slope"]:g} * difficulty) times what the registry says of a model, from {refined["rows_with_length"]:,} responses
  whose tokens are known. No bundled model has such a figure yet, so it changes nothing by default.

## Data

{training["prompts"]:,} prompts, {training["responses"]:,} responses of {training["model_ids"]} models and systems;
{training["responses_with_capability"]:,} of the responses are by {training["models_with_capability"]} base models with a published score, and only they
enter the coefficients and, unless said otherwise, the figures. Split by question stem (`dedup_key`, seed {split["seed"]}): {split["held_out_prompts"]:,} prompts were
held out, and the weights were fitted without them.

| source | licence | what it is | prompts | held out | responses | with a published score | models |
|---|---|---|--:|--:|--:|--:|--:|
{sources}

Left out as implausible: {", ".join(training["distrusted_scores"])}. Agent systems inform difficulty, and have residuals
under their own names, which no registry has.

## Figures on held-out prompts

ECE is the expected calibration error over 15 bins of equal width. "Trained without it" are the same held-out
prompts when no prompt of that source was trained on: what to expect on a new kind of prompt.

{report(metrics)}

Log-loss of capability alone, without the prompt: {metrics["held_out_capability_alone_log_loss"]}.

## What must not be concluded

- **New kinds of prompts.** Much of the pooled AUC of {held["auc"]} is recognizing the benchmark.
  {new_kind}
- **2026 models on general prompts.** Models of 2023 to 2025 were measured, most of them weaker than today's:
  probabilities of strong models are an extrapolation along one line. None of the bundled registry's models has outcomes
  here, so they are all predicted from their scores and the prompt's difficulty.
- **Other languages than English.** Every training prompt is English. The embedding is multilingual and the tests
  check that easy and hard questions keep their order in other languages; how well calibrated it is there was not
  measured.
- **Open-ended chat.** The outcomes are graded tasks with right answers.
- **Savings in dollars.** The data has no prices.
- **`sigma`** is of a kind of prompts, not of one prompt: what the completion rate on prompts like this one may be off by.
"""
