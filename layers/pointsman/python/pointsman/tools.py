"""The tools of `pointsman mcp`, for agents that ask which model a piece of work should go to: route, predict, models
and report_outcome, by the official MCP package. An error is told in the tool's answer, with field and remedy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

import pointsman
from pointsman.dialects.naming import known_name
from pointsman.errors import PointsmanError
from pointsman.history.asking import decision_id_of
from pointsman.router import Router

INSTRUCTIONS = (
    "Pointsman says which language model, at which effort, should serve a request: the cheapest that can complete it. "
    "It calls no model itself. Ask `route` before you hand work to a model, and `report_outcome` afterwards."
)
# Who reports, as the history keeps it.
REPORTER = "mcp"

Prompt = Annotated[str, Field(description="The whole request, as the model would get it.")]
Share = Annotated[float, Field(ge=0, le=1)]


def server_of(router: Router) -> MCPServer:
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
        with _told():
            decision = router.decide(
                prompt,
                config,
                caller=REPORTER,
                threshold=threshold,
                worth_usd=worth_usd,
                models=None if models is None else [known_name(router.registry, name) for name in models],
                exclude=[known_name(router.registry, name) for name in exclude or ()],
                max_output_tokens=max_output_tokens,
            )
            brief: dict[str, Any] = orjson.loads(decision.brief())
            return brief

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
        return [
            {
                "model_id": one.model_id,
                "provider": one.provider,
                "efforts": list(one.levels),
                "context_length": one.context_length,
                "input_usd_per_1m": _per_million(one.input_cost_per_1k),
                "output_usd_per_1m": _per_million(one.output_cost_per_1k),
            }
            for one in router.registry.models.values()
        ]

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
        with _told():
            if router.history is None:
                raise ToolError(
                    "Nothing is recorded here, so there is nothing to report on. Start it without --no-record."
                )
            fields = {
                "completed": completed,
                "score": score,
                "input_tokens": input_tokens,
                "output_tokens": output_tokens,
                "cost_usd": cost_usd,
                "error": error,
            }
            if all(value is None for value in fields.values()):
                raise ToolError("Nothing is said of the outcome. Give completed, score, tokens, cost_usd or error.")
            name = known_name(router.registry, model_id)
            outcome = {**fields, "source": "user", "reported_by": REPORTER}
            kept = router.history.set_outcome(decision_id_of(decision_id), name, outcome, add=True)
            return {"decision_id": kept["id"], "outcomes": len(kept["outcomes"])}

    return server


@contextmanager
def _told() -> Iterator[None]:
    """What is refused is the tool's answer, in our words."""
    try:
        yield
    except PointsmanError as error:
        raise ToolError(error.detail) from None


def _per_million(per_1k: float | None) -> float | None:
    return None if per_1k is None else round(per_1k * 1000, 6)
