"""What a caller is told, and how it is read from what the service said.

What always holds: a document that lacks what is needed to call a model is refused whole; anything else that it lacks is
None, and what it has beside is kept in `raw`. So older and newer services are understood as far as they can be.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pointsman_client.names import Names, folded

# Why the caller's own default stands.
Kind = Literal["unreachable", "slow", "busy", "refused", "failing", "unreadable", "no_such_model", "resting", "closed"]
Dialect = Literal["openai_chat", "openai_responses", "anthropic_messages"]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """Why a request was not routed: a word for programs and a sentence for people."""

    kind: Kind
    detail: str
    status: int | None = None


@dataclass(frozen=True)
class Call:
    """How to call a model: the caller's name of it, and what to merge into the body of the call (OpenAI chat).

    `model_id` is the service's id, None where the service did not choose.
    """

    model: str
    model_id: str | None = None
    effort: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def candidate_id(self) -> str | None:
        """`model@effort`, as outcomes are reported of it."""
        if self.model_id is None or self.effort is None or "@" in self.model_id:
            return self.model_id
        return f"{self.model_id}@{self.effort}"

    def request_for(self, dialect: Dialect) -> dict[str, Any]:
        """What to merge into a body of another API than OpenAI chat."""
        asked = dict(self.request)
        effort = None if dialect == "openai_chat" else asked.pop("reasoning_effort", None)
        if effort is None:
            return asked
        if dialect == "openai_responses":
            return {**asked, "reasoning": {"effort": effort}}
        return {
            **asked,
            **({"thinking": {"type": "disabled"}} if effort == "none" else {"output_config": {"effort": effort}}),
        }


@dataclass(frozen=True)
class Fallback(Call):
    """What to call where everything before it is unavailable. `p_complete` is P(it completes the request)."""

    p_complete: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class Candidate(Call):
    """A candidate as the service saw it: P(complete), its standard deviation, and USD."""

    p_complete: float | None = None
    sd: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class Answer(Call):
    """Which model to call. Where `routed` is false it is the caller's default and `problem` says why.

    `candidates` is by the caller's names, and by `name@effort` for each effort; it is there with `detail="full"`.
    `raw` is everything that the service said.
    """

    routed: bool = False
    decision_id: str | None = None
    fallbacks: tuple[Fallback, ...] = ()
    p_complete: float | None = None
    cost_usd: float | None = None
    reason: str | None = None
    explanation: str | None = None
    session_id: str | None = None
    recorded: bool = False
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    problem: Problem | None = None
    raw: Document = field(default_factory=dict, repr=False)


class Unreadable(Exception):
    """What the service said names no model that can be called."""

    def __init__(self, problem: Problem, after_s: float | None = None) -> None:
        super().__init__(problem.detail)
        self.problem, self.after_s = problem, after_s


def by_default(default: str, problem: Problem, request: Mapping[str, Any] | None = None) -> Answer:
    """The answer where the service has none."""
    return Answer(model=default, request=dict(request or {}), problem=problem)


def answer_of(document: object, names: Names, asked: Sequence[str] | None = None) -> Answer:
    """An answer from a decision; `asked` are the candidates' names as they were sent.

    Raises:
        Unreadable: it says no model, or one that the caller does not have.
    """
    if not isinstance(document, Mapping):
        raise _unreadable("the answer is not a JSON object")
    calls = document.get("calls")
    if not isinstance(calls, list):  # a service from before efforts
        selected = document.get("selected")
        calls = [{"model_id": name} for name in selected] if isinstance(selected, list) else []
    if not calls:
        raise _unreadable("the answer has neither calls nor a selected model")
    call = _call(calls[0], names)
    if call is None:
        raise _unreadable("the first of its calls has no model_id that is text")
    if call.model == "":
        detail = f"{call.candidate_id} was chosen, which is none of the models given to the client"
        raise Unreadable(Problem("no_such_model", detail))
    session = document.get("session")
    return Answer(
        **vars(call),
        routed=True,
        decision_id=_text(document.get("id")),
        fallbacks=tuple(_fallbacks(document.get("fallbacks"), names)),
        p_complete=_number(document.get("expected_quality")),
        cost_usd=_number(document.get("cost")),
        reason=_text(document.get("reason")),
        explanation=_text(document.get("explanation")),
        session_id=_text(session.get("id")) if isinstance(session, Mapping) else None,
        recorded=document.get("recorded") is True,
        candidates=_candidates(document.get("candidates"), names, _aliases(document, asked)),
        raw=document,
    )


def _unreadable(why: str) -> Unreadable:
    return Unreadable(Problem("unreadable", why))


def _aliases(document: Document, asked: Sequence[str] | None) -> dict[str, str]:
    """The names that were asked with, by the ids that the service understood by them."""
    understood = document.get("asked")
    ids = understood.get("models") if isinstance(understood, Mapping) else None
    if asked is None or not isinstance(ids, list) or len(ids) != len(asked):
        return {}
    return {folded(ours): theirs for ours, theirs in zip(ids, asked, strict=True) if isinstance(ours, str)}


def _call(document: object, names: Names, said: str | None = None) -> Call | None:
    """A call; None where it names no model, and with the name "" where the caller does not have it."""
    if not isinstance(document, Mapping) or not (model_id := _text(document.get("model_id"))):
        return None
    effort = _text(document.get("effort"))
    bare, at, named = model_id.partition("@")
    if at and effort in (None, named):
        model_id, effort = bare, named
    request = document.get("request")
    return Call(
        model=names.tell(model_id, effort, said or _text(document.get("model"))) or "",
        model_id=model_id,
        effort=effort,
        request=dict(request) if isinstance(request, Mapping) else {},
    )


def _fallbacks(documents: object, names: Names) -> list[Fallback]:
    """Those of the fallbacks that the caller can call."""
    found = []
    for one in documents if isinstance(documents, list) else ():
        call = _call(one, names)
        if call is not None and call.model:
            quality, cost = _number(one.get("expected_quality")), _number(one.get("cost"))
            found.append(Fallback(**vars(call), p_complete=quality, cost_usd=cost))
    return found


def _candidates(documents: object, names: Names, aliases: Mapping[str, str]) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for one in documents if isinstance(documents, list) else ():
        named = _text(one.get("model_id")) if isinstance(one, Mapping) else None
        spellings = [named, named.partition("@")[0]] if named else []
        said = next((aliases[folded(name)] for name in spellings if folded(name) in aliases), None)
        call = _call(one, names, said)
        if call is None or not call.model:
            continue
        mu, sigma, cost = (_number(one.get(name)) for name in ("mu", "sigma", "cost"))
        candidate = Candidate(**vars(call), p_complete=mu, sd=sigma, cost_usd=cost)
        if call.effort is not None:
            found[f"{call.model}@{call.effort}"] = candidate
        # A model without an effort is its likeliest one.
        known = found.get(call.model)
        if known is None or (mu or 0) > (known.p_complete or 0):
            found[call.model] = candidate
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
