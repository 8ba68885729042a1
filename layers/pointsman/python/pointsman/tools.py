"""The tools of `pointsman mcp`, for agents that ask which model a piece of work should go to: route, predict, models
and report_outcome, by the official MCP package. An error is told in the tool's answer, with field and remedy.

They are answered by a desk: the library's own, or that of a running service.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

import pointsman
from pointsman.dialects.naming import known_name
from pointsman.errors import PointsmanError
from pointsman.history.asking import decision_id_of
from pointsman.remote import ask
from pointsman.router import Router

INSTRUCTIONS = (
    "Pointsman says which language model, at which effort, should serve a request: the cheapest that can complete it. "
    "It calls no model itself. Ask `route` before you hand work to a model, and `report_outcome` afterwards."
)
# Who reports, as the history keeps it.
REPORTER = "mcp"

Prompt = Annotated[str, Field(description="The whole request, as the model would get it.")]
Share = Annotated[float, Field(ge=0, le=1)]


class Here:
    """The library's desk. A method raises PointsmanError where it refuses."""

    def __init__(self, router: Router) -> None:
        self.router = router

    def route(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The brief decision for fields of `POST /api/route`."""
        known = {
            name: [known_name(self.router.registry, one) for one in asked[name]]
            for name in ("models", "exclude")
            if name in asked
        }
        brief: dict[str, Any] = orjson.loads(self.router.decide(**{**asked, **known}, caller=REPORTER).brief())
        return brief

    def models(self) -> list[dict[str, Any]]:
        """What is known of each model."""
        return [
            _model(
                one.model_id,
                one.provider,
                one.levels,
                one.context_length,
                one.input_cost_per_1k,
                one.output_cost_per_1k,
            )
            for one in self.router.registry.models.values()
        ]

    def report(self, decision_id: str, model_id: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
        """The decision with its outcomes, once this one is added."""
        history = self.router.history
        if history is None:
            raise ToolError("Nothing is recorded here, so there is nothing to report on. Start it without --no-record.")
        name = known_name(self.router.registry, model_id)
        told = {**outcome, "reported_by": REPORTER}
        return history.set_outcome(decision_id_of(decision_id), name, told, add=True)


class Elsewhere:
    """The desk of a running service. It has no `predict`: a service predicts where it decides, and records that."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url, self.token = url, token

    def route(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return ask(self.url, self.token, "POST", "/api/route?detail=brief", asked)

    def models(self) -> list[dict[str, Any]]:
        names = ("model_id", "provider", "efforts", "context_length", "input_cost_per_1k", "output_cost_per_1k")
        found = ask(self.url, self.token, "GET", "/api/models")["models"]
        return [_model(*(one.get(name) for name in names)) for one in found]

    def report(self, decision_id: str, model_id: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
        body = {"model_id": model_id, **{name: value for name, value in outcome.items() if value is not None}}
        return ask(self.url, self.token, "POST", f"/api/history/{quote(decision_id, safe='')}/outcomes", body)


def server_of(desk: Here | Elsewhere) -> MCPServer:
    """A server of the tools; it is to be run by the caller."""
    server = MCPServer("pointsman", instructions=INSTRUCTIONS, version=pointsman.__version__, log_level="WARNING")

    @server.tool()
    def route(
        prompt: Prompt,
        config: Annotated[str, Field(description="The router config: auto, cheap, balanced, best, agent …")] = "auto",
        threshold: Annotated[Share | None, Field(description="Completion to ask for, from 0 to 1.")] = None,
        worth_usd: Annotated[float | None, Field(gt=0, description="USD that a completed request is worth.")] = None,
        models: Annotated[list[str] | None, Field(description="Choose among these ids, aliases or id@effort.")] = None,
        exclude: Annotated[list[str] | None, Field(description="Models that are down or not allowed.")] = None,
        max_output_tokens: Annotated[int | None, Field(ge=1)] = None,
    ) -> dict[str, Any]:
        """Which model, at which effort, should serve this request? With fallbacks, expected completion, and USD."""
        asked = {
            "prompt": prompt,
            "config": config,
            "threshold": threshold,
            "worth_usd": worth_usd,
            "models": models,
            "exclude": exclude,
            "max_output_tokens": max_output_tokens,
        }
        with _told():
            return desk.route({name: value for name, value in asked.items() if value is not None})

    if isinstance(desk, Here):
        router = desk.router

        @server.tool()
        def predict(
            prompt: Prompt,
            models: Annotated[list[str] | None, Field(description="Ids or aliases; all of them by default.")] = None,
        ) -> dict[str, float]:
            """P(the model completes the request), for each model at its default effort or at the one named with it."""
            with _told():
                return router.predict(prompt, models)

    @server.tool()
    def models() -> list[dict[str, Any]]:
        """The models that are known: id, provider, levels of effort, context, and USD a million tokens."""
        with _told():
            return desk.models()

    @server.tool()
    def report_outcome(
        decision_id: Annotated[str, Field(description="The id that route answered.")],
        model_id: Annotated[str, Field(description="The model that really served: any candidate or fallback.")],
        completed: Annotated[
            bool | None, Field(description="Whether it did what was asked; absent if unknown.")
        ] = None,
        score: Annotated[Share | None, Field(description="How well, from 0 to 1.")] = None,
        input_tokens: Annotated[int | None, Field(ge=0)] = None,
        output_tokens: Annotated[int | None, Field(ge=0)] = None,
        cost_usd: Annotated[float | None, Field(ge=0)] = None,
        error: Annotated[str | None, Field(max_length=200, description="Why the call failed, if it did.")] = None,
    ) -> dict[str, Any]:
        """Tell what happened, so that decisions can be judged and learned from."""
        fields = {
            "completed": completed,
            "score": score,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cost_usd": cost_usd,
            "error": error,
        }
        with _told():
            if all(value is None for value in fields.values()):
                raise ToolError("Nothing is said of the outcome. Give completed, score, tokens, cost_usd or error.")
            kept = desk.report(decision_id, model_id, {**fields, "source": "user"})
            return {"decision_id": kept["id"], "outcomes": len(kept["outcomes"])}

    return server


@contextmanager
def _told() -> Iterator[None]:
    """What is refused is the tool's answer, in our words."""
    try:
        yield
    except PointsmanError as error:
        raise ToolError(error.detail) from None


def _model(
    model_id: str,
    provider: str,
    efforts: Iterable[str],
    context_length: int | None,
    input_per_1k: float | None,
    output_per_1k: float | None,
) -> dict[str, Any]:
    return {
        "model_id": model_id,
        "provider": provider,
        "efforts": list(efforts),
        "context_length": context_length,
        "input_usd_per_1m": _per_million(input_per_1k),
        "output_usd_per_1m": _per_million(output_per_1k),
    }


def _per_million(per_1k: float | None) -> float | None:
    return None if per_1k is None else round(per_1k * 1000, 6)
