"""Scores that are hardly meant: fractions, unknown names, below chance, or falling with effort."""

import re
from itertools import pairwise

from pointsman.faults import nearest_name
from pointsman.registry.plausibility.findings import Findings, ModelFile, World

# Benchmarks that predictors know, with the least percent that a current model would get (chance, where it is a choice).
BENCHMARKS: dict[str, float] = {
    "aa_coding_index": 2,
    "aa_intelligence_index_v4_1": 2,
    "aa_intelligence_index_v4_3": 2,
    "aa_lcr": 1,
    "aime_2024": 1,
    "aime_2025": 1,
    "apex_agents": 0.1,
    "apex_agents_aa": 0.1,
    "arc_agi_2": 0.1,
    "arena_hard": 1,
    "automation_bench": 0.1,
    "browsecomp": 0.1,
    "charxiv": 5,
    "critpt": 0,
    "cursor_bench32": 1,
    "cyber_gym": 0.1,
    "deep_swe": 0.1,
    "frontier_bench": 0.1,
    "frontier_math_v2_tier4": 0,
    "frontier_math_v2_tiers13": 0,
    "gpqa_diamond": 20,
    "gsm8k": 5,
    "hle": 1,
    "hle_no_tools": 1,
    "humaneval": 2,
    "ifbench": 5,
    "ifeval": 10,
    "livebench_2026_06_agentic_coding": 1,
    "livebench_2026_06_coding": 5,
    "livebench_2026_06_data_analysis": 5,
    "livebench_2026_06_instruction_following": 5,
    "livebench_2026_06_language": 2,
    "livebench_2026_06_mathematics": 2,
    "livebench_2026_06_reasoning": 2,
    "livecodebench": 2,
    "livecodebench_pro": 0.1,
    "livecodebench_v5": 1,
    "livecodebench_v6": 1,
    "math": 2,
    "math_500": 5,
    "math_level_5": 1,
    "mcp_atlas": 0.5,
    "mmlu": 20,
    "mmlu_pro": 8,
    "mmlu_redux": 20,
    "mmmu_pro": 8,
    "omniscience_accuracy": 2,
    "osworld_2": 0.1,
    "osworld_verified": 0.1,
    "scicode": 1,
    "simpleqa": 1,
    "simpleqa_verified": 1,
    "swe_bench_multilingual": 0.5,
    "swe_bench_pro": 0.1,
    "swe_bench_verified": 0.5,
    "tau2_bench_retail": 1,
    "tau2_bench_telecom": 0,
    "tau3_banking": 0,
    "tau3_bench": 0,
    "terminal_bench": 0.1,
    "terminal_bench_1": 0.1,
    "terminal_bench_2": 0.1,
    "terminal_bench_2_1": 0.1,
    "terminal_bench_3_0": 0.1,
    "terminal_bench_4_0": 0.1,
    "terminal_bench_hard": 0,
    "terminal_bench_science_0_1": 0.1,
    "toolathlon": 0.1,
    "toolathlon_verified": 0.1,
    "vibe_code_bench": 0.1,
}
# Points that a higher effort may lose without anybody's mistake; measurers' noise is a few.
LOSS = 10.0


def score_findings(one: ModelFile, world: World) -> Findings:
    """Scores of a model in themselves and along its efforts."""
    del world
    places = [(f"benchmarks.{name}", name, figure.score) for name, figure in one.model.benchmarks.items()]
    for level, effort in one.model.efforts.items():
        places += [
            (f"efforts.{level}.benchmarks.{name}", name, figure.score) for name, figure in effort.benchmarks.items()
        ]
    positive = [score for _, _, score in places if score > 0]
    fractions = len(positive) > 1 and max(positive) <= 1
    for place, name, score in places:
        if name not in BENCHMARKS:
            near = nearest_name(name, BENCHMARKS) or _longer_name(name)
            remedy = near or "Use a name that predictors know (docs/registry.md lists them); others are not read."
            yield one.warning(place, "unknown benchmark", remedy)
        elif 0 < score <= 1 and (fractions or score < BENCHMARKS[name]):
            yield one.error(place, f"{score:g} looks like a fraction: {100 * score:g}", f"Write {100 * score:g}.")
        elif score < BENCHMARKS[name]:
            yield one.warning(place, "below what guessing gets", "Correct the score, or remove it.")
    yield from _copied(one)
    for lower, higher in pairwise(one.model.levels):
        below, above = one.model.efforts[lower].benchmarks, one.model.efforts[higher].benchmarks
        lost = [name for name in below if name in above and above[name].score < below[name].score - LOSS]
        for name in lost:
            message = f"{below[name].score - above[name].score:g} points below effort {lower}"
            remedy = f"Swap the two, if the scores of {lower} and {higher} are mixed up."
            yield one.warning(f"efforts.{higher}.benchmarks.{name}", message, remedy)


def _longer_name(name: str) -> str | None:
    """A remedy for a name cut short, such as gpqa, or written otherwise, such as SWE-bench Verified."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    longer = (
        plain if plain in BENCHMARKS else next((known for known in BENCHMARKS if known.startswith(f"{plain}_")), None)
    )
    return f"Did you mean {longer!r}?" if longer else None


def _copied(one: ModelFile) -> Findings:
    """Levels with the same scores throughout: a score belongs to the effort it was measured at."""
    for lower, higher in pairwise(one.model.levels):
        below, above = one.model.efforts[lower].benchmarks, one.model.efforts[higher].benchmarks
        common = [name for name in below if name in above]
        if len(common) > 2 and all(below[name].score == above[name].score for name in common):
            message = f"the same scores as effort {lower}"
            yield one.warning(
                f"efforts.{higher}.benchmarks", message, "Keep those of the effort they were measured at."
            )
