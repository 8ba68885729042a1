"""`llm -m pointsman "…"`: the model that Pointsman chooses among those that the llm command has, at its effort.

Where Pointsman gives no answer, llm's own default model serves (or POINTSMAN_DEFAULT). POINTSMAN_URL says where it is.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import llm

from pointsman_client.answer import Answer
from pointsman_client.client import Client
from pointsman_client.names import folded

NAME = "pointsman"
PATIENCE_S = 3.0


@llm.hookimpl  # type: ignore[untyped-decorator,unused-ignore]
def register_models(register: Any) -> None:
    """Called by the llm command."""
    register(Pointsman())


class Pointsman(llm.Model):  # type: ignore[misc,unused-ignore]
    """A model that is whichever one is chosen."""

    model_id = NAME
    can_stream = True

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any = None) -> Iterator[Any]:
        """Choose, let the chosen model answer, and report what it used."""
        with Client(timeout_s=PATIENCE_S, models=_known()) as client:
            answer = client.route(
                messages=_messages(prompt, conversation),
                default=_default(),
                config=os.environ.get("POINTSMAN_CONFIG"),
                session_id=getattr(conversation, "id", None),
            )
            model = llm.get_model(answer.model)
            _ask_for_effort(model, prompt, answer)
            response.set_resolved_model(answer.model)
            key = {"key": model.get_key(None)} if isinstance(model, llm.KeyModel) else {}
            try:
                yield from model.execute(prompt, stream, response, conversation, **key)
            except Exception as error:
                client.report(answer, error=type(error).__name__, source="gateway")
                raise
            client.report(
                answer,
                input_tokens=response.input_tokens,
                output_tokens=response.output_tokens,
                source="gateway",
            )


def _default() -> str:
    name = os.environ.get("POINTSMAN_DEFAULT") or llm.get_default_model()
    return str(name) if name != NAME else "gpt-4o-mini"


def _known() -> dict[str, str]:
    """llm's models that the service knows, by its ids; none where it does not answer, and then the default serves."""
    url = (os.environ.get("POINTSMAN_URL") or "http://127.0.0.1:8080").rstrip("/")
    token = os.environ.get("POINTSMAN_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        models = httpx.get(f"{url}/api/models", headers=headers, timeout=PATIENCE_S).json()["models"]
        ours = {folded(name): str(one["model_id"]) for one in models for name in _names_of(one)}
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return {}
    found: dict[str, str] = {}
    for model in llm.get_models():
        known = ours.get(folded(model.model_id))
        if known is not None and known not in found.values():
            found[model.model_id] = known
    return found


def _names_of(model: Mapping[str, Any]) -> list[str]:
    return [model["model_id"], model["model_id"].rpartition("/")[2], *(model.get("aliases") or ())]


def _messages(prompt: Any, conversation: Any) -> list[dict[str, str]]:
    """The conversation so far, as text."""
    said = [("system", prompt.system)]
    for before in conversation.responses if conversation is not None else ():
        said += [("user", before.prompt.prompt), ("assistant", before.text_or_raise())]
    said.append(("user", prompt.prompt))
    return [{"role": role, "content": text} for role, text in said if text]


def _ask_for_effort(model: Any, prompt: Any, answer: Answer) -> None:
    """Set the effort where the model has such an option and the caller did not set it."""
    effort = answer.request.get("reasoning_effort")
    options = prompt.options.model_dump(exclude_none=True)
    if effort is not None and "reasoning_effort" in model.Options.model_fields:
        try:
            prompt.options = model.Options(**{"reasoning_effort": effort, **options})
            return
        except ValueError:  # llm knows fewer efforts than the model has
            pass
    prompt.options = model.Options(**options)
