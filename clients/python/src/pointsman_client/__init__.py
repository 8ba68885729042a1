"""Asks a Pointsman service which model should serve a request, and never is the reason that one fails.

    from pointsman_client import Client

    client = Client("http://127.0.0.1:8080", default="openai/gpt-5.6-luna")
    answer = client.route(messages=messages)
    response = openai.chat.completions.create(model=answer.model, messages=messages, extra_body=answer.request)
    client.report(answer, usage=response.usage)

What always holds: `route` comes back within the time-out, with the caller's default where the service gives no answer
that can be used, and raises nothing but what is wrong in the call itself. `report` never waits, and reports nothing
of a request that was not routed.
"""

from pointsman_client.answer import Answer, Call, Candidate, Fallback, Problem
from pointsman_client.client import AsyncClient, Client
from pointsman_client.names import NamesError

__all__ = [
    "Answer",
    "AsyncClient",
    "Call",
    "Candidate",
    "Client",
    "Fallback",
    "NamesError",
    "Problem",
    "__version__",
]
__version__ = "0.1.0"
