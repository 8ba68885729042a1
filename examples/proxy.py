"""A proxy: asks Pointsman who should serve a request for `auto`, and sends it on to a provider.

    pip install pointsman-client starlette uvicorn
    UPSTREAM=https://openrouter.ai/api DEFAULT=openai/gpt-5.6-luna uvicorn proxy:app --port 9000

What speaks OpenAI's API asks http://127.0.0.1:9000/v1, what speaks Anthropic's http://127.0.0.1:9000.
"""

import os
import time

import httpx
from pointsman_client import AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

DIALECTS = {"chat/completions": "openai_chat", "responses": "openai_responses", "messages": "anthropic_messages"}
pointsman = AsyncClient(default=os.environ["DEFAULT"], config=os.environ.get("CONFIG"))  # POINTSMAN_URL says where
upstream = httpx.AsyncClient(base_url=os.environ["UPSTREAM"], timeout=600)


async def forward(request: Request) -> StreamingResponse:
    body, path, answer = await request.json(), request.url.path, None
    asking = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
    if body.get("model") == "auto":
        own = {name: value for name, value in asking.items() if name == "anthropic-version" or "session-id" in name}
        answer = await pointsman.route(body=body, headers=own)
        body |= {"model": answer.model, **answer.request_for(DIALECTS[path.removeprefix("/v1/")])}
    began = time.monotonic()
    asked = upstream.build_request("POST", path, json=body, headers=asking)
    response = await upstream.send(asked, stream=True)

    async def content():
        async for part in response.aiter_raw():
            yield part
        error = f"HTTP {response.status_code}" if response.is_error else None
        pointsman.report(answer, latency_ms=1000 * (time.monotonic() - began), error=error, source="gateway")

    told = {name: value for name, value in response.headers.items() if name not in ("content-length", "date", "server")}
    if answer and answer.decision_id:
        told |= {"x-pointsman-decision-id": answer.decision_id, "x-pointsman-model": answer.candidate_id}
    return StreamingResponse(content(), response.status_code, told)


app = Starlette(routes=[Route(f"/v1/{path}", forward, methods=["POST"]) for path in DIALECTS])
