"""A stack whose surroundings are not in order: every fault has its status, and a problem document of ours."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pointsman.artifact.manifest import MANIFEST_FILE

from scripts.sam_local import stack
from scripts.sam_local.engine import WORK, Engine
from tests.sam.conftest import client
from tests.sam.moody import Moody

PROBLEM = "application/problem+json"
PROMPT = {"prompt": "What is 1+1?"}


@pytest.mark.parametrize("trouble", ["no secret", "a secret that is no document"])
def test_a_secret_that_cannot_be_read_lets_nobody_in(locked_out: dict[str, httpx.Response], trouble: str) -> None:
    answer = locked_out[trouble]
    assert answer.status_code in (500, 502)  # AWS says 500
    assert "Traceback" not in answer.text


def test_the_log_says_what_is_wrong_with_the_secret(locked_out: dict[str, httpx.Response]) -> None:
    assert locked_out
    log = (WORK / "troubled.log").read_text()
    assert "ResourceNotFoundException" in log
    assert "The token document is not JSON" in log


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "AccessDeniedException", "InternalServerError"],
)
def test_a_table_that_refuses_costs_the_record_and_not_the_answer(
    troubled: httpx.Client, moody: Moody, code: str
) -> None:
    moody.table_error = code
    made = troubled.post("/api/route", json=PROMPT)
    assert (made.status_code, made.json()["recorded"]) == (200, False)
    listed = troubled.get("/api/history")
    assert (listed.status_code, listed.headers["content-type"]) == (503, PROBLEM)
    assert code not in listed.text


@contextmanager
def rebuilt(folder: Path) -> Iterator[Path]:
    """A copy of the built stack to damage; the files are links, so whoever changes one puts another in its place."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stack.TEMPLATE.parent, folder, copy_function=os.link)
    yield folder
    shutil.rmtree(folder)


def of_another_version(layer: Path) -> None:
    """What an artifact of a later format looks like."""
    manifest = layer / "artifact" / MANIFEST_FILE
    document = json.loads(manifest.read_text())
    manifest.unlink()
    manifest.write_text(json.dumps({**document, "format_version": 99}))


def missing(layer: Path) -> None:
    """A layer that was built of nothing."""
    shutil.rmtree(layer / "artifact")


@pytest.mark.parametrize(
    ("damage", "said"),
    [(missing, "no such file"), (of_another_version, "expected format")],
)
def test_an_artifact_that_does_not_fit_is_a_503_and_said_in_the_log(
    containers: Engine, aws: str, url: str, token: str, damage: object, said: str
) -> None:
    assert url  # the secret is there
    log = WORK / "damaged.log"
    with rebuilt(WORK / "damaged") as build:
        damage(build / "ArtifactLayer")  # type: ignore[operator]
        template = build / "template.yaml"
        with stack.gateway(containers, aws, template=template, log=log) as address, client(address, token) as api:
            for _ in range(2):
                answer = api.post("/api/route", json=PROMPT)
                assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
                assert answer.json()["type"] == "urn:pointsman:problem:startup"
                assert "/opt" not in answer.text
            # What does not need the artifact answers all the same.
            assert api.get("/api/health").status_code == 200
    assert said in log.read_text()
