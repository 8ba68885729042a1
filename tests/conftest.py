"""What tests share. Every test has its own folders; nothing outside them is read or written."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.embedders import OnnxEmbedder
from pointsman.history.dynamodb import DynamoHistory
from pointsman.history.sqlite import SqliteHistory
from pointsman.registry import Registry, load_registry
from pointsman.router import Router
from pointsman.settings import PREFIX, Settings, load_settings

from scripts.harness.aws import DYNALITE, FAKE_ACCOUNT, make_table, serving_dynalite
from tests.fakes import FakeEmbedder, fake_artifact

ROOT = Path(__file__).resolve().parent.parent
ARTIFACT = ROOT / "layers/artifacts/default"

MODEL = """\
model_id: {model_id}
provider: acme
context_length: {context_length}
input_cost_per_1k: {price}
output_cost_per_1k: {price}
benchmarks: {{{benchmarks}}}
source_urls: [https://example.com]
source_quality: official
as_of: 2026-01-01
{more}
"""


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX) and not name.startswith("POINTSMAN_REQUIRE_"):
            monkeypatch.delenv(name)
    for old in ("PROMPT_LOGGING", "LOG_PROMPTS"):
        monkeypatch.delenv(old, raising=False)
    monkeypatch.setenv("POINTSMAN_DB", str(tmp_path / "history.db"))


def model_yaml(
    model_id: str, price: float = 0.001, gpqa: float | None = 80, context_length: int = 100_000, more: str = ""
) -> str:
    """A model file."""
    benchmarks = "" if gpqa is None else f"gpqa_diamond: {gpqa}"
    return MODEL.format(
        model_id=model_id, price=f"{price:f}", benchmarks=benchmarks, context_length=context_length, more=more
    )


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own zone is not UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The clocks stand still from now on; called with seconds, they stand so much later than when the test began."""
    started, clock = float(int(time.monotonic())), float(int(time.time()))

    def stand_at(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: started + seconds)
        monkeypatch.setattr(time, "time", lambda: clock + seconds)

    stand_at(0)
    return stand_at


WriteRegistry = Callable[..., Path]


@pytest.fixture
def write_registry(tmp_path: Path) -> WriteRegistry:
    """Writes a registry folder from `models={file: text}` and `routers={file: text}`."""

    def write(models: dict[str, str], routers: dict[str, str]) -> Path:
        folder = tmp_path / "registry"
        for kind, files in (("models", models), ("routers", routers)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / kind / name).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def small_registry(write_registry: WriteRegistry) -> Registry:
    """Three models, dear and strong to cheap and weak, in `auto`; the strong one alone in `strong`."""
    return load_registry(
        write_registry(
            {
                "strong.yaml": model_yaml("acme/strong", 0.01, 95, more="input_modalities: [text, image]"),
                "middle.yaml": model_yaml("acme/middle", 0.001, 70, more="aliases: [middle]"),
                "weak.yaml": model_yaml("acme/weak", 0.0001, 15, context_length=4096),
            },
            {
                "auto.yaml": "name: auto\ndescription: all\nmodels: [acme/strong, acme/middle, acme/weak]\n",
                "strong.yaml": "name: strong\ndescription: one\nmodels: [acme/strong]\n",
            },
        )
    )


@pytest.fixture
def history(tmp_path: Path) -> Iterator[SqliteHistory]:
    """An empty history."""
    store = SqliteHistory(tmp_path / "history.db")
    yield store
    store.close()


def use_fake_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that are good for nothing, in place of those of the machine."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in FAKE_ACCOUNT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account whose services are not there."""
    use_fake_account(monkeypatch)


MakeTable = Callable[..., DynamoHistory]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeTable]:
    """An AWS of one's own, in this process; gives what makes a history in a table of it."""
    use_fake_account(monkeypatch)
    with mock_aws():
        yield make_table


@pytest.fixture(scope="session")
def dynalite_server() -> Iterator[str]:
    """The address of a DynamoDB whose conditional writes do not race."""
    if not (DYNALITE.is_dir() and shutil.which("node")):
        if os.environ.get("POINTSMAN_REQUIRE_DYNALITE") == "1":
            pytest.fail("no dynalite found, and POINTSMAN_REQUIRE_DYNALITE=1; make dynalite installs it")
        pytest.skip("dynalite is not installed; make dynalite installs it (needs Node's npm)")
    with serving_dynalite() as url:
        yield url


@pytest.fixture
def dynalite(monkeypatch: pytest.MonkeyPatch, dynalite_server: str) -> MakeTable:
    """What makes a history in a table of that server."""
    use_fake_account(monkeypatch)
    return partial(make_table, endpoint=dynalite_server)


MakeRouter = Callable[..., Router]


@pytest.fixture
def make_router(small_registry: Registry) -> MakeRouter:
    """Makes a router of the small registry and the fake embedder; settings may be given."""

    def make(history: Any = None, **settings: Any) -> Router:
        return Router(small_registry, fake_artifact(), FakeEmbedder(), history, load_settings(**settings))

    return make


@pytest.fixture(scope="session")
def artifact_folder() -> Path:
    """The real default artifact, as `make artifact` builds it."""
    assert (ARTIFACT / "manifest.json").exists(), "build it first: make artifact"
    return ARTIFACT


@pytest.fixture(scope="session")
def embedder(artifact_folder: Path) -> OnnxEmbedder:
    """The real default embedder."""
    return load_embedder(load_artifact(artifact_folder))


@pytest.fixture(scope="session")
def real_router(artifact_folder: Path, embedder: OnnxEmbedder) -> Router:
    """The real artifact with the real registry, without a history."""
    settings = Settings(artifact=artifact_folder, registry=ROOT / "registry")
    return Router(load_registry(ROOT / "registry"), load_artifact(artifact_folder), embedder, None, settings)
