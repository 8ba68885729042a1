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
    "swebench_verified": ("MIT; OpenHands rows Apache-2.0", "SWE-bench Verified: systems, and models under OpenHands"),
    "swebench_pro": ("MIT", "SWE-bench Pro: SWE-agent"),
    "swt_bench": ("Apache-2.0", "SWT-bench: tests for an issue (OpenHands)"),
    "commit0": ("Apache-2.0", "Commit0: a library from its tests (OpenHands)"),
    "terminal_bench": ("MIT", "Terminal-Bench: systems, Terminus 2 and mini-SWE-agent"),
    "tau2": ("Apache-2.0, MIT", "tau2: customer service with tools"),
    "sql_scale": ("MIT", "SCALE: SQL understanding, conversion, optimization"),
    "svelte_bench": ("MIT", "SvelteBench: small components"),
    "ifeval": ("Apache-2.0", "IFEval in English, French, Japanese, Spanish: constraints checked by program"),
    "arena_bench": ("Apache-2.0", "real users' prompts, judged 1 to 10, completed at 7"),
    "mt_bench": ("Apache-2.0", "MT-Bench, judged 1 to 10, completed at 7"),
    "shaberi_gpt41": ("Apache-2.0", "Japanese chat under a judge"),
    "shaberi_gpt4t": ("Apache-2.0", "the same under another judge"),
    "shaberi_gpt51": ("Apache-2.0", "the same under a stricter judge"),
    "shaberi_open3": ("Apache-2.0", "the same under open judges"),
    "humaneval_plus": ("MIT, Apache-2.0", "HumanEval+: functions with tests"),
    "xstest_safe": ("CC-BY-4.0", "XSTest: harmless questions that look harmful"),
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
    learned = training["learned"]
    new_kind = "What a new kind of prompt does to it was not measured here; `evaluate holdout-sources` does."
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

And what is learned beyond it, which is what runs unless it is switched off (`POINTSMAN_REFINEMENT=false`):

- **Difficulty** again, from the whole, its first and last sentences, its surface, and {learned["landmarks"]} landmarks (out-of-fold R²
  {learned["out_of_fold_r2"]:.3f}), with coefficients of its own: {", ".join(f"{value:.3f}" for value in learned["coefficients"])}. {learned["anchors"]:,} anchors take part: prompts and
  conversations **annotated** with a level by a rubric, not measured.
- **One hierarchy of abilities** over {learned["domains"]} soft clusters of embeddings. {learned["benchmarks"]} published benchmarks share a factor, which any
  subset of a model's scores tells, at its effort; {learned["models_that_teach_the_hierarchy"]} models with scores and outcomes taught how it becomes ability in
  each domain, and how far a model is from that (median {learned["ability_sd_beyond_scores"]:.2f} logits); outcomes of {learned["models_with_outcomes"]} models and systems move
  them from there. A model with GPQA Diamond and LiveCodeBench alone has the formula's `a * capability`. Abilities were
  learned beside a share of how hard each prompt proved, so that a model does not seem able for having had easy ones.
- **Novelty**: a prompt unlike all training prompts is pulled to what such work typically comes to (agent work: by
  published agent benchmarks), and towards 1/2.
- **Kinds of work** from labelled tasks and anchors. A prompt's answers are exp({learned["length_slope"]:g} * difficulty) times as long as
  a candidate's usual ones in that work, as the registry knows them.
- **`sigma`**: the difficulty's posterior, scaled to how far off whole kinds of prompts are, the ability's variance, and
  how far sources of a kind differ where a prompt is new.

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
- **2026 models on general prompts.** Their outcomes here are agent work, SQL and a few others; on general prompts they
  are predicted from their scores and from how older models did.
- **Other languages** than English, Japanese, French and Spanish: no outcomes.
- **Scaffolds** other than those named above; a model's runs under several are averaged.
- **SWE-bench Verified** is near its ceiling for the newest models, and may be known to them.
- **Judged chat**: judges agree on the order of prompts, not on how strict to be.
- **Anchors** are one author's judgement.
- **`sigma`** is of a kind of prompts, not of one prompt: what the completion rate on prompts like this one may be off by.
"""
