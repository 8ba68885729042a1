"""What each config chooses on a plausible week of work, and what that costs beside the alternatives.

The week is 600 requests of an invented company (`workload.jsonl`, described in workload.md): no outcomes, so
completion here is what the predictor expects, never what was measured. What is compared is the choice: always one
candidate, a coin between single candidates (the hull over them), and the config.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pointsman.dialects import openai_chat

from artifacts_build.evaluation.curves import hull
from artifacts_build.evaluation.pages import table

if TYPE_CHECKING:
    from pointsman.dialects.request import Request as Body
    from pointsman.router import Router

WEEK = Path(__file__).with_name("workload.jsonl")
SHOWN_CHOICES = 6

Request = Mapping[str, Any]
Found = dict[str, Any]


@dataclass(frozen=True)
class Decided:
    """What a decision expects: of the choice, and of every candidate that could have served."""

    kind: str
    chosen: str
    completion: float
    cost: float
    candidates: Mapping[str, tuple[float, float]]  # completion and cost by candidate id


def read_week(path: Path = WEEK) -> list[Request]:
    """The requests of a workload file: `id`, `kind`, `lang`, and `prompt` or `messages`."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def body_of(request: Request) -> "str | Body":
    """What the router takes: the prompt, or the conversation as a chat's body."""
    return (
        str(request["prompt"])
        if "prompt" in request
        else openai_chat.read({"messages": request["messages"]}, lenient=True)
    )


def decide_week(router: "Router", config: str, requests: Iterable[Request]) -> list[Decided]:
    """The decisions of a config, one a request."""
    decided = []
    for request in requests:
        decision = router.decide(body_of(request), config=config).to_dict()
        candidates = {
            one["model_id"]: (one["mu"], one["cost"]) for one in decision["candidates"] if one["cost"] is not None
        }
        chosen = " + ".join(decision["selected"])
        decided.append(Decided(request["kind"], chosen, decision["expected_quality"], decision["cost"], candidates))
    return decided


def summary(decided: Sequence[Decided]) -> Found:
    """What a config chooses over all and by kind, and what single candidates would do.

    `always` holds single candidates that could have served every request: the strongest, the cheapest, and the cheapest
    that completes as much as the config. `mix_completion` is what a coin between single candidates reaches at the
    config's cost.
    """
    completion, cost = _means(decided)
    single = {
        name: (float(np.mean([one.candidates[name][0] for one in decided])), _mean_cost(decided, name))
        for name in decided[0].candidates
        if all(name in one.candidates for one in decided)
    }
    names = list(single)
    p, usd = (np.array([single[name][i] for name in names]) for i in (0, 1))
    mix = hull(usd, p)
    enough = [i for i in range(len(names)) if p[i] >= completion]
    always = {"strongest": int(p.argmax()), "cheapest": int(usd.argmin())}
    if enough:
        always["as good, cheapest"] = min(enough, key=lambda i: usd[i])
    kinds = sorted({one.kind for one in decided})
    return {
        "requests": len(decided),
        "completion": completion,
        "cost": cost,
        "choices": len({one.chosen for one in decided}),
        "chosen": _chosen(decided),
        "mix_completion": mix.completion_at(cost),
        "always": {
            how: {"candidate": names[i], "completion": float(p[i]), "cost": float(usd[i])} for how, i in always.items()
        },
        "by_kind": {kind: _of_kind([one for one in decided if one.kind == kind]) for kind in kinds},
    }


def _of_kind(decided: Sequence[Decided]) -> Found:
    completion, cost = _means(decided)
    return {"requests": len(decided), "completion": completion, "cost": cost, "chosen": _chosen(decided)}


def _means(decided: Sequence[Decided]) -> tuple[float, float]:
    return float(np.mean([one.completion for one in decided])), float(np.mean([one.cost for one in decided]))


def _mean_cost(decided: Sequence[Decided], name: str) -> float:
    return float(np.mean([one.candidates[name][1] for one in decided]))


def _chosen(decided: Sequence[Decided]) -> dict[str, int]:
    return dict(Counter(one.chosen for one in decided).most_common(SHOWN_CHOICES))


def page(found: Mapping[str, Found]) -> str:
    """The Markdown page of several configs' summaries."""
    parts = [
        "# A week of work, config by config",
        f"What each config chooses for the {next(iter(found.values()))['requests']} requests of an invented week "
        "(`artifacts_build/evaluation/workload.jsonl`; shares and languages in workload.md beside it). Written by "
        "`python -m artifacts_build evaluate workload`.",
        "**Expected, not measured**: these requests have no outcomes. Completion is what the predictor expects, cost "
        "is list prices times forecast tokens. A config is right here if it expects more than a coin between single "
        "candidates does for the same money (`over the mix`, in points).",
    ]
    rows = []
    for name, one in found.items():
        rows.append(
            [
                f"**{name}**",
                _percent(one["completion"]),
                _dollars(one["cost"]),
                f"{100 * (one['completion'] - one['mix_completion']):+.1f}",
                one["choices"],
            ]
        )
        for how, single in one["always"].items():
            what = f"… always `{single['candidate']}` ({how})"
            rows.append([what, _percent(single["completion"]), _dollars(single["cost"]), "", 1])
    parts.append(table(["config", "expected completion", "USD a thousand requests", "over the mix", "choices"], rows))
    for name, one in found.items():
        parts.append(f"## {name}")
        lines = [*one["by_kind"].items(), ("all", one)]
        shown = [
            [kind, own["requests"], _percent(own["completion"]), _dollars(own["cost"]), _counted(own["chosen"])]
            for kind, own in lines
        ]
        parts.append(table(["kind", "requests", "expected", "USD a thousand", "chosen most"], shown))
    return "\n\n".join(parts) + "\n"


def _percent(p: float) -> str:
    return f"{p:.1%}"


def _dollars(usd: float) -> str:
    return f"{usd * 1000:.3g}"


def _counted(chosen: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in chosen.items())
