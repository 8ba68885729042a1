"""The count that is made apart from the history: what each request was to cost, and did cost, added up in decimals.

Nothing here reads the history or the report's code. What was paid is counted from the provider's book and the prices of
the proxies' configuration; what those without such a price cost, from the registry's files. What was expected is asked
of the library, request by request, at the request's own time: the service should have decided the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pointsman.api.asking import asking_of
from pointsman.compose import open_router
from pointsman.settings import load_settings

from benchmarks.fortnight.provider import Usage
from benchmarks.fortnight.workload import GROUPS, START, Sent, Team

MILLION = Decimal(1_000_000)
Sums = dict[str, Decimal]
ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """One request that was to be routed. Money is USD; None is what there is none of."""

    tag: str
    at: datetime
    team: Team
    chosen: tuple[str, ...]
    chosen_usd: Decimal
    chosen_p: Decimal
    own_usd: Decimal
    own_p: Decimal
    strongest_usd: Decimal
    default_usd: Decimal | None
    paid_usd: Decimal | None
    priced_usd: Decimal | None
    judged: Decimal | None


def entries(
    requests: Iterable[Sent], served: Mapping[str, Sequence[Usage]], judged: Mapping[str, bool], registry: Path
) -> list[Entry]:
    """The requests that were to be routed, with what was to be expected of each and what was paid for it."""
    now = START
    router = open_router(load_settings(registry=registry), clock=lambda: now)
    models = [one.candidate for one in GROUPS.values() if one.candidate is not None]
    listed = {name: _listed(registry, name) for name, one in GROUPS.items() if one.candidate and one.usd is None}
    made = []
    for sent in requests:
        if not sent.routed:
            continue
        now = sent.at
        group = GROUPS[sent.group]
        limit = {} if sent.max_tokens is None else {"max_tokens": sent.max_tokens}
        own = {"observe": True, "own_model": group.candidate, "models": models}
        body = {"messages": list(sent.messages), "config": sent.team.config, **limit, **own}
        asking = asking_of(body, {}, router.registry)
        decision = router.decide(
            asking.prompt, asking.config, caller=sent.team.name, session_id=sent.session, **asking.fields
        )
        assert decision.shadow is not None
        default = next((one.cost for one in decision.candidates if one.model_id == sent.team.default), None)
        usages = served.get(sent.tag, ())
        paid = sum((_usd(used, group.usd or listed[sent.group]) for used in usages), ZERO) if usages else None
        verdict = judged.get(sent.tag)
        made.append(
            Entry(
                tag=sent.tag,
                at=sent.at,
                team=sent.team,
                chosen=tuple(decision.shadow["selected"]),
                chosen_usd=_decimal(decision.shadow["cost"]),
                chosen_p=_decimal(decision.shadow["expected_quality"]),
                own_usd=_decimal(decision.cost),
                own_p=_decimal(decision.expected_quality),
                strongest_usd=_decimal(decision.strongest.cost),
                default_usd=None if default is None else _decimal(default),
                paid_usd=paid if group.usd is not None else None,
                priced_usd=paid if group.usd is None else None,
                judged=None if verdict is None else Decimal(verdict),
            )
        )
    return made


def counted(made: Iterable[Entry], by: str) -> dict[str, Sums]:
    """The sums of each group under the report's names, and of `total`."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for one in made:
        groups[_group(one, by)].append(one)
        groups["total"].append(one)
    return {name: _sums(ones) for name, ones in groups.items()}


def _sums(ones: Sequence[Entry]) -> Sums:
    def added(field: str, where: str | None = None) -> Decimal:
        """The sum of a field, of those that have another."""
        found = (getattr(one, field) for one in ones if where is None or getattr(one, where) is not None)
        return sum((value for value in found if value is not None), ZERO)

    def number(field: str) -> Decimal:
        return Decimal(sum(getattr(one, field) is not None for one in ones))

    return {
        "decisions": Decimal(len(ones)),
        "chosen_usd": added("chosen_usd"),
        "strongest_usd": added("strongest_usd"),
        "unpriced": ZERO,
        "compared": Decimal(len(ones)),
        "own_usd": added("own_usd"),
        "beside_own_usd": added("chosen_usd"),
        "with_default": number("default_usd"),
        "default_usd": added("default_usd"),
        "beside_default_usd": added("chosen_usd", "default_usd"),
        "reported": number("paid_usd"),
        "reported_usd": added("paid_usd"),
        "expected_usd": added("own_usd", "paid_usd"),
        "priced": number("priced_usd"),
        "priced_usd": added("priced_usd"),
        "expected_of_priced_usd": added("own_usd", "priced_usd"),
        "tokens_alone": ZERO,
        "chosen_completion": added("chosen_p"),
        "own_completion": added("own_p"),
        "judged": number("judged"),
        "judged_completion": added("judged"),
        "expected_completion": added("own_p", "judged"),
    }


def _group(one: Entry, by: str) -> str:
    return {
        "config": one.team.config,
        "caller": one.team.name,
        "day": f"{one.at:%Y-%m-%d}",
        "model": " + ".join(one.chosen),
    }[by]


def _usd(used: Usage, usd: tuple[str, str, str]) -> Decimal:
    """Tokens by USD a million of input, cached input and output."""
    read, cached, written = map(Decimal, usd)
    return ((used.read - used.cached) * read + used.cached * cached + used.written * written) / MILLION


def _listed(registry: Path, group: str) -> tuple[str, str, str]:
    """USD a million tokens as the registry's file says them."""
    candidate = GROUPS[group].candidate or ""
    name = candidate.partition("@")[0].replace("/", "--")
    file: dict[str, Any] = yaml.safe_load((registry / f"models/{name}.yaml").read_text(encoding="utf-8"))
    read, cached, written = (str(file[f"{part}_cost_per_1m"]) for part in ("input", "cached_input", "output"))
    return read, cached, written


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
