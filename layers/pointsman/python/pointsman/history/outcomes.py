"""What happened when a model was called: which candidate it was of, what adds to what was known, and what it proves.

completion   only what somebody or something judged: `score`, else `completed`. Usage alone, a truncated answer or a
             failed call says nothing of it.
length       `output_tokens`: exact where the answer ended by itself, a lower bound where a limit cut it off, nothing
             where the call failed.
available    False where the call failed, True where anything was answered.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pointsman.errors import Fault, UnknownModel, shortened

Record = Mapping[str, Any]
# How providers say that a limit cut an answer off.
CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "incomplete"})


class Evidence(NamedTuple):
    """What an outcome proves; None where it proves nothing. `cut_off`: `length` is a lower bound."""

    completion: float | None
    length: int | None
    cut_off: bool
    available: bool | None


def evidence_of(outcome: Record) -> Evidence:
    """What an outcome proves of its candidate."""
    score, completed = outcome.get("score"), outcome.get("completed")
    judged = score if score is not None else None if completed is None else float(completed)
    failed = bool(outcome.get("error"))
    length = outcome.get("output_tokens")
    cut_off = str(outcome.get("finish_reason") or "").lower() in CUT_OFF
    answered = length is not None or judged is not None or bool(outcome.get("finish_reason"))
    available = False if failed else True if answered else None
    return Evidence(judged, None if failed else length, cut_off, available)


def merged(before: Record | None, outcome: Record) -> dict[str, Any]:
    """What is known once an outcome is added: what it says, and what was said before where it says nothing."""
    said = {name: value for name, value in outcome.items() if value is not None}
    return {**outcome, **(before or {}), **said}


def served(decision: Record, name: str) -> str:
    """The candidate of a decision that a name stands for: its own id, or its model's.

    Any candidate may have served. A model's id stands for its candidate that was selected, else for the fallback of
    that model, else for the only candidate of it.

    Raises:
        UnknownModel: it was never a candidate, or there are several of its model.
    """
    selected = [str(one) for one in decision["selected"]]
    fallbacks = [_id(one) for one in decision.get("fallbacks") or ()]
    candidates = [str(one["model_id"]) for one in decision.get("candidates") or ()]
    for known in (selected, fallbacks, candidates):
        if name in known:
            return name
    for known in (selected, fallbacks, candidates):
        of_model = [one for one in known if one.partition("@")[0] == name]
        if len(of_model) == 1:
            return of_model[0]
        if of_model:
            raise _unknown(decision, name, "stands for several candidates", of_model)
    near = list(dict.fromkeys([*selected, *fallbacks]))
    raise _unknown(decision, name, "was never a candidate", near)


def _id(call: Record) -> str:
    effort = call.get("effort")
    return str(call["model_id"]) if effort is None else f"{call['model_id']}@{effort}"


def _unknown(decision: Record, name: str, why: str, known: list[str]) -> UnknownModel:
    remedy = f"Use one of: {', '.join(known)}."
    message = f"{shortened(name)!r} {why} of the decision{' ' + decision['id'] if 'id' in decision else ''}"
    return UnknownModel(f"model_id: {message}. {remedy}", [Fault("model_id", message, remedy, shortened(name))])
