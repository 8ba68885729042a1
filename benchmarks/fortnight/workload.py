"""What is asked in the simulated fortnight: requests drawn by a seed from the week of `docs/evaluation/workload.md`.

Two teams, each with a proxy, a config and models of its own. Fourteen days of four times; more by day than by night,
on weekdays than at the weekend. Some requests are the next turn of a conversation, some are streamed, some fail once,
some for good, and some are never routed: vectors, and models that Pointsman does not know or knows no price of.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

PROMPTS = Path(__file__).resolve().parents[2] / "artifacts_build/evaluation/workload.jsonl"
START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
DAYS, TIMES = 14, 4
BY_TIME = (1, 4, 8, 5)
BY_WEEKDAY = (10, 11, 11, 10, 9, 3, 2)

Fate = Literal["served", "fails once", "fails"]


@dataclass(frozen=True)
class Group:
    """A model of the proxies: what LiteLLM calls, and what Pointsman calls it.

    `usd` is what LiteLLM is told of USD a million tokens of input, cached input and output; None where it is told none.
    """

    litellm: str
    candidate: str | None  # Pointsman's id; None where it has no such model, or cannot weigh it
    usd: tuple[str, str, str] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


def _as(candidate: str) -> dict[str, Any]:
    return {"pointsman": candidate}


GROUPS: Mapping[str, Group] = {
    "terra": Group(
        "openai/gpt-5.6-terra",
        "openai/gpt-5.6-terra@medium",
        ("2", "0.2", "12"),
        params={"reasoning_effort": "medium"},
    ),
    "luna": Group(
        "openai/gpt-5.6-luna", "openai/gpt-5.6-luna@low", ("0.2", "0.02", "1.2"), params={"reasoning_effort": "low"}
    ),
    # Prices of a contract, which are not the registry's.
    "opus": Group(
        "openai/claude-opus-5.5",
        "anthropic/claude-opus-5.5@high",
        ("3.6", "0.36", "18"),
        info=_as("anthropic/claude-opus-5.5@high"),
    ),
    "deepseek": Group(
        "openai/deepseek-v4.1-flash",
        "deepseek/deepseek-v4.1-flash@none",
        ("0.15", "0.003", "0.6"),
        info=_as("deepseek/deepseek-v4.1-flash@none"),
    ),
    # LiteLLM knows no price of it, and Pointsman's registry does.
    "flash": Group("openai/gemini-3.8-flash", "google/gemini-3.8-flash@low", info=_as("google/gemini-3.8-flash@low")),
    # Never routed: Pointsman knows no price of the first and nothing of the second; the third is no conversation.
    "house": Group("openai/house", None, info={"pointsman": False}),
    "home-made": Group("openai/home-made", None, ("1", "1", "1")),
    "vectors": Group("openai/text-embedding-3-small", None, info={"mode": "embedding"}),
}


@dataclass(frozen=True)
class Team:
    """Who asks: the config its requests are routed under, its own models, and the default of its config."""

    name: str
    config: str
    own: Mapping[str, int]
    default: str | None = None


TEAMS = (
    Team("support", "support", {"terra": 8, "opus": 5, "flash": 5}, default="openai/gpt-5.6-terra@medium"),
    Team("batch", "batch", {"luna": 6, "deepseek": 6, "flash": 3}),
)
NEVER_ROUTED = {"home-made": 0.02, "house": 0.01, "vectors": 0.02}


@dataclass(frozen=True)
class Sent:
    """One request; `tag` is the `user` of its body, by which the provider knows it."""

    tag: str
    at: datetime
    team: Team
    group: str
    messages: tuple[Mapping[str, str], ...]
    session: str
    stream: bool
    max_tokens: int | None
    fate: Fate
    verdict: bool | None  # what its caller says of the answer, if anything

    @property
    def routed(self) -> bool:
        """Whether Pointsman is to decide it."""
        return GROUPS[self.group].candidate is not None

    @property
    def body(self) -> dict[str, Any]:
        """The request as the caller sends it to the proxy."""
        if self.group == "vectors":
            return {"model": self.group, "input": self.messages[-1]["content"], "user": self.tag}
        limit = {} if self.max_tokens is None else {"max_tokens": self.max_tokens}
        stream = {"stream": True, "stream_options": {"include_usage": True}} if self.stream else {}
        return {"model": self.group, "messages": list(self.messages), "user": self.tag, **limit, **stream}


def drawn(count: int, seed: int) -> list[Sent]:
    """The requests of a fortnight in the order of their times; no conversation has two at one time."""
    chance = random.Random(seed)
    week = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    # Results of tools stand there without the calls that they answer, which no provider takes.
    prompts = [one.get("messages") or [{"role": "user", "content": one["prompt"]}] for one in week]
    prompts = [turns for turns in prompts if all(turn["role"] != "tool" for turn in turns)]
    times = [(day, time) for day in range(DAYS) for time in range(TIMES)]
    weights = [BY_WEEKDAY[day % 7] * BY_TIME[time] for day, time in times]
    # Every day has a request, however few there are.
    wanted = [(day, 2) for day in range(DAYS)] + chance.choices(times, weights, k=max(0, count - DAYS))
    requests: list[Sent] = []
    talking: dict[str, Sent] = {}  # conversations that may go on
    for number, (day, time) in enumerate(sorted(wanted[:count])):
        at = START + timedelta(days=day, hours=time * (24 // TIMES))
        sent = _one(chance, f"f-{number:06}", at, prompts)
        before = next((one for one in talking.values() if one.at < at), None)
        if before is not None and sent.routed and chance.random() < 0.3:
            del talking[before.session]
            sent = _next_turn(sent, before)
        elif sent.routed and sent.fate == "served" and chance.random() < 0.15:
            talking[sent.session] = sent
        requests.append(sent)
    return requests


def _one(chance: random.Random, tag: str, at: datetime, prompts: list[list[dict[str, str]]]) -> Sent:
    team = chance.choices(TEAMS, [2, 3])[0]
    (group,) = chance.choices(list(team.own), list(team.own.values()))
    never = chance.random()
    for name, share in NEVER_ROUTED.items():
        group, never = (name, 1.0) if never < share else (group, never - share)
    fates: tuple[Fate, ...] = ("served", "fails once", "fails")
    return Sent(
        tag=tag,
        at=at,
        team=team,
        group=group,
        messages=tuple(chance.choice(prompts)),
        session=f"conversation-{tag}",
        stream=group != "vectors" and chance.random() < 0.3,
        max_tokens=chance.choice((None, None, None, 400, 4_000)),
        fate=chance.choices(fates, [95, 3, 2])[0],
        verdict=chance.choice((True, True, True, False)) if chance.random() < 0.1 else None,
    )


def _next_turn(sent: Sent, before: Sent) -> Sent:
    """The request as the next turn of a conversation."""
    said = ({"role": "assistant", "content": "Done."}, sent.messages[-1])
    return Sent(
        **{
            **sent.__dict__,
            "team": before.team,
            "group": before.group,
            "session": before.session,
            "messages": (*before.messages, *said),
        }
    )
