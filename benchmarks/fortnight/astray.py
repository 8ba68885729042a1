"""What became of each request that was to be decided: those that went astray by name, with what their proxy said.

A request goes astray where no decision was made of it, where one was made and is not kept, where its proxy gave up and
the service decided it all the same, or where what it used was not reported. Each ends the simulation with 1, whether a
figure differs by it or not; that the count agrees without them says no more than that nothing else is wrong.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from pointsman.history.ids import timestamp

from benchmarks.fortnight.ledger import Entry
from benchmarks.fortnight.workload import GROUPS, Sent

Kind = Literal[
    "not answered", "not decided", "given up and kept", "not kept", "not reported", "kept all the same", "never to be"
]  # fmt: skip
# When it was decided, for whom, and which model is the caller's own.
Which = tuple[str, str, str]
# What the history has of these is what was to be there.
WHOLE: tuple[Kind, ...] = ("kept all the same", "never to be")
# Nothing was reported of these.
UNREPORTED: tuple[Kind, ...] = ("given up and kept", "not reported")


class Told(NamedTuple):
    """What the proxy's answer said: its status, the decision's id, and the plugin's problem (a word)."""

    status: int
    decision: str | None = None
    problem: str | None = None


class Astray(NamedTuple):
    """What went wrong with a request, and why as far as its caller was told."""

    kind: Kind
    why: str

    def __str__(self) -> str:
        return f"{self.kind} ({self.why})"


@dataclass(frozen=True)
class Kept:
    """The decisions that the history has, by id, and the ids of those that it knows the usage of."""

    decisions: Mapping[str, Which]
    used: frozenset[str]


def kept_in(db: Path) -> Kept:
    """What a history in SQLite has."""
    decisions = "SELECT id, body ->> 'ts', body ->> 'caller', body ->> 'selected' ->> 0 FROM bodies"
    used = "SELECT decision_id FROM outcomes WHERE outcome ->> 'output_tokens' IS NOT NULL"
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as history:
        return Kept(
            {key: (ts, caller, own) for key, ts, caller, own in history.execute(decisions)},
            frozenset(key for (key,) in history.execute(used)),
        )


def which(sent: Sent) -> Which:
    """How the history knows a request that it has no name of."""
    return timestamp(sent.at), sent.team.name, GROUPS[sent.group].candidate or ""


def astray(
    requests: Iterable[Sent], told: Mapping[str, Told], served: Container[str], kept: Kept
) -> tuple[dict[str, Astray], list[str]]:
    """What went astray, by tag, and the decisions of no request; `served` are the tags that the provider served."""
    untold = kept.decisions.keys() - {one.decision for one in told.values()}
    nobodys: dict[Which, list[str]] = defaultdict(list)
    for decision in sorted(untold):
        nobodys[kept.decisions[decision]].append(decision)
    found: dict[str, Astray] = {}
    for sent in requests:
        one = _astray(sent, told.get(sent.tag), sent.tag in served, kept)
        if one is not None and _waited(one) and nobodys[which(sent)]:
            nobodys[which(sent)].pop()
            one = Astray("given up and kept", one.why)
        if one is not None:
            found[sent.tag] = one
    return found, sorted(decision for left in nobodys.values() for decision in left)


def _waited(one: Astray) -> bool:
    """Whether the service may have got a request that nothing came of; it was not asked while the plugin rested."""
    return one.kind == "not answered" or (one.kind == "not decided" and one.why in ("slow", "unreachable"))


def _astray(sent: Sent, told: Told | None, served: bool, kept: Kept) -> Astray | None:
    if not sent.routed:
        return Astray("never to be", sent.group) if told and told.decision else None
    if told is None:
        return Astray("not answered", "the connection to the proxy broke")
    why = told.problem or "nothing was said"
    if told.decision is None:
        return Astray("not decided", why)
    if told.decision not in kept.decisions:
        return Astray("not kept", why)
    if served and told.decision not in kept.used:
        return Astray("not reported", why)
    return Astray("kept all the same", why) if told.problem else None


def as_kept(made: Iterable[Entry], lost: Mapping[str, Astray]) -> list[Entry]:
    """The count without what went astray: what is left differs from the report for another reason."""
    left = []
    for one in made:
        kind = lost[one.tag].kind if one.tag in lost else None
        if kind in UNREPORTED:
            left.append(replace(one, paid_usd=None, priced_usd=None))
        elif kind is None or kind in WHOLE:
            left.append(one)
    return left


def print_fates(requests: Sequence[Sent], lost: Mapping[str, Astray], nobodys: Sequence[str]) -> None:
    """What became of them, in numbers."""
    whole = sum(one.routed and one.tag not in lost for one in requests)
    print("\n| what became of what was to be decided | how many |\n|---|--:|")
    print(f"| decided, kept and, where it was served, reported | {whole:,} |")
    for fate, many in sorted(Counter(map(str, lost.values())).items()):
        print(f"| {fate} | {many:,} |")
    if nobodys:
        print(f"| decisions of no request | {len(nobodys):,} |")
