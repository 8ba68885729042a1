"""What the fortnight runs in: the registry, the service with a clock of its own, and LiteLLM's proxies before it."""

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import httpx
from pointsman.auth.bearer import Document, issue, write_document

from benchmarks.fortnight.workload import GROUPS, START, TEAMS, Team

ROOT = Path(__file__).resolve().parents[2]
# An environment that has LiteLLM (`make clients`).
LITELLM = ROOT / "build/clients/bin/litellm"
KEY = "sk-for-the-fortnight-0123456789abcdef"
STARTS_S = 600

HOUSE = """\
model_id: acme/house
provider: acme
aliases: [openai/house]
context_length: 100000
price: unknown
source_urls: [https://example.com]
source_quality: official
as_of: 2026-10-01
"""


def write_registry(folder: Path) -> Path:
    """The bundled models, one whose price nobody knows, and a config for each team."""
    shutil.copytree(ROOT / "registry/models", folder / "models")
    (folder / "models/acme--house.yaml").write_text(HOUSE)
    (folder / "routers").mkdir()
    models = [one.candidate for one in GROUPS.values() if one.candidate is not None]
    policies: dict[str, dict[str, Any]] = {
        "support": {"policy": "value", "worth_usd": 0.1},
        "batch": {"policy": "threshold", "completion_threshold": 0.7},
    }
    for team in TEAMS:
        default = {} if team.default is None else {"default_model": team.default}
        # A busy store may forget a conversation, and a count made apart could not know which: turns are decided alone.
        config = {"name": team.config, "description": f"Of {team.name}.", "models": models, "sticky": "never"}
        path = folder / f"routers/{team.config}.yaml"
        path.write_text(json.dumps({**config, **policies[team.config], **default}))
    return folder


def write_tokens(path: Path) -> dict[str, str]:
    """A token a team in a document of them; by team."""
    issued = {team.name: issue(team.name) for team in TEAMS}
    path.write_text(write_document(Document(tuple(entry for _, entry in issued.values()))))
    return {name: text for name, (text, _) in issued.items()}


@dataclass
class Service:
    """A running `pointsman serve`, and what time it is for its decisions."""

    url: str
    _now: "Synchronized[float]"

    def set_clock(self, at: datetime) -> None:
        """Have it that time until it is set anew."""
        self._now.value = at.timestamp()


@contextmanager
def serving(folder: Path, registry: Path, tokens: Path) -> Iterator[Service]:
    """The service for the block, in a process of its own; its history is `history.db` in the folder."""
    spawned = multiprocessing.get_context("spawn")
    now = spawned.Value("d", START.timestamp())
    port = free_port()
    process = spawned.Process(target=_serve, args=(port, folder / "history.db", registry, tokens, now), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api/health", lambda: process.is_alive())
        yield Service(url, now)
    finally:
        process.terminate()
        process.join(60)


def _serve(port: int, db: Path, registry: Path, tokens: Path, now: "Synchronized[float]") -> None:
    from pointsman.api.server import run

    # On a busy machine nothing is to be left unrecorded, since everything is counted.
    os.environ["POINTSMAN_STORE_DEADLINE_S"] = "30"
    run(
        "127.0.0.1",
        port,
        db=db,
        table=None,
        artifact=None,
        registry=registry,
        tokens=tokens,
        clock=lambda: datetime.fromtimestamp(now.value, UTC),
    )


@contextmanager
def proxying(team: Team, folder: Path, provider: str, service: str, token: str) -> Iterator[str]:
    """The address of the team's LiteLLM proxy for the block; its log is beside its configuration."""
    port = free_port()
    config = folder / f"{team.name}.yaml"
    config.write_text(json.dumps(proxy_config(team, provider, service, token)))
    told = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    command = [str(LITELLM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / f"{team.name}.log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **told}, stdout=log, stderr=log, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/health/liveliness", lambda: process.poll() is None)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def proxy_config(team: Team, provider: str, service: str, token: str) -> dict[str, Any]:
    """The proxy's configuration; the plugin is in the last two blocks."""
    # LiteLLM drops `user` for models that it does not know, unless it is told to let it through.
    called = {"api_base": f"{provider}/v1", "api_key": "x", "allowed_openai_params": ["user"]}
    deployments = [
        {
            "model_name": name,
            "litellm_params": {"model": one.litellm, **called, **one.params, **_usd(one.usd)},
            "model_info": dict(one.info),
        }
        for name, one in GROUPS.items()
    ]
    plugin = {"url": service, "token": token, "config": team.config, "route": "all", "observe": True, "timeout_s": 60}
    return {
        "model_list": deployments,
        # A model that failed is asked again at once, and never left alone: each failure is one that was drawn.
        "router_settings": {"num_retries": 1, "retry_after": 0, "disable_cooldowns": True},
        "litellm_settings": {"callbacks": "pointsman_client.litellm.routing", "drop_params": True},
        "callback_settings": {"pointsman": plugin},
    }


def _usd(usd: tuple[str, str, str] | None) -> Mapping[str, float]:
    if usd is None:
        return {}
    names = ("input_cost_per_token", "cache_read_input_token_cost", "output_cost_per_token")
    return {name: float(value) / 1e6 for name, value in zip(names, usd, strict=True)}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(url: str, alive: Any) -> None:
    """Return when an address answers; SystemExit where it does not come up."""
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and alive():
        try:
            if httpx.get(url, timeout=5).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{url} does not come up.")
