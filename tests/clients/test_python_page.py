"""The snippets of docs/clients/python.md, run as they stand by the real SDKs; the service's address is ours."""

import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.clients.upstream import upstream_server
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

ADDRESS = "http://127.0.0.1:8080"
# What the page says of the second snippet: answers are in the caller's own names, and never another.
SEEN = """
print(answer.model, answer.routed, pointsman.flush(30))
print(client.route(messages=messages, models=["strong"], timeout_s=30).model)
"""


def test_the_snippets_run_as_they_stand(clients_python: Path, pointsman: str) -> None:
    page = (ROOT / "docs/clients/python.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == 2
    # A busy machine may take longer for its first decision than the client waits.
    httpx.post(f"{pointsman}/api/route", json={"prompt": "What is 1+1?"}, timeout=60).raise_for_status()
    code = "\n".join(snippets).replace(f'"{ADDRESS}", ', f'"{pointsman}", timeout_s=30, ') + SEEN
    assert code.count(pointsman) == 1
    with upstream_server() as upstream:
        keys = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": f"{upstream.url}/v1", "POINTSMAN_URL": pointsman}
        known = {**os.environ, **keys}
        done = subprocess.run([clients_python, "-c", code], env=known, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        chosen, routed, sent = done.stdout.splitlines()[0].split()
        assert (routed, sent, upstream.last()["model"]) == ("True", "True", chosen)
        assert done.stdout.splitlines()[1] == "strong"
    (newest,) = httpx.get(f"{pointsman}/api/history?limit=2").json()["calls"][1:2]
    decision = httpx.get(f"{pointsman}/api/history/{newest['id']}").json()
    assert [one["output_tokens"] for one in decision["outcomes"]] == [5]
