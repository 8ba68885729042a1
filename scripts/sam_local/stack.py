"""The stack on this machine: `sam build`, stand-ins for DynamoDB and Secrets Manager, and `sam local start-api`.

The stand-ins are moto's server, in memory: what is recorded is gone when it ends. Everything that is started here
ends with the block that started it.
"""

import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from pointsman.history.dynamodb import TABLE_DEFINITION

from scripts.sam_local.engine import IMAGE, ROOT, RUNTIME, START_S, VENV, WORK, Engine

# `sam local` resolves a reference to a resource to its logical name.
TABLE, SECRET = "DecisionsTable", "TokensSecret"
TEMPLATE = ROOT / ".aws-sam/build/template.yaml"
CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}


def build(engine: Engine) -> None:
    """`sam build`. Where the machine has no Python of Lambda's version, the layers are compiled in a container."""
    wrapper = WORK / "bin" / f"python{RUNTIME}"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.unlink(missing_ok=True)
    own = shutil.which(f"python{RUNTIME}")
    if own is None or subprocess.run([own, "-c", ""], capture_output=True).returncode:
        run = f'docker run --rm -v "{ROOT}:{ROOT}" -w "$PWD" --entrypoint /var/lang/bin/python{RUNTIME} {IMAGE}'
        wrapper.write_text(f'#!/bin/sh\nexec {run} "$@"\n')
        wrapper.chmod(0o755)
    log = WORK / "build.log"
    with log.open("wb") as stream:
        done = subprocess.run(["sam", "build"], cwd=ROOT, env=engine.env, stdout=stream, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f"sam build failed:\n{log.read_text()[-3000:]}")


@contextmanager
def stand_ins(address: str) -> Iterator[str]:
    """moto's server on an address that containers reach; gives its URL."""
    host = "127.0.0.1" if address == "host.docker.internal" else address
    port = free_port(host)
    with _running([str(VENV / "bin/moto_server"), "-H", host, "-p", str(port)], WORK / "moto.log"):
        wait_for(f"http://{host}:{port}/moto-api/", WORK / "moto.log")
        yield f"http://{address}:{port}"


def client(service: str, endpoint: str) -> Any:
    """A client of a stand-in, for this machine."""
    here = endpoint.replace("host.docker.internal", "127.0.0.1")
    return boto3.client(service, endpoint_url=here, **CREDENTIALS)


def create_table(endpoint: str) -> None:
    """The table, as template.yaml has it."""
    client("dynamodb", endpoint).create_table(TableName=TABLE, **TABLE_DEFINITION)


def create_secret(endpoint: str, document: str) -> None:
    """The secret of the tokens, holding the text of a document."""
    client("secretsmanager", endpoint).create_secret(Name=SECRET, SecretString=document)


@contextmanager
def gateway(
    engine: Engine,
    endpoint: str,
    *,
    port: int = 0,
    template: Path = TEMPLATE,
    log: Path = WORK / "api.log",
    **parameters: str,
) -> Iterator[str]:
    """`sam local start-api` with the page beside the API; gives its URL."""
    port = port or free_port("127.0.0.1")
    overrides = [f"{name}={value}" for name, value in {"LocalEndpoint": endpoint, **parameters}.items()]
    command = ["sam", "local", "start-api", "--template", str(template), "--port", str(port), "--skip-pull-image"]
    static = ["--static-dir", str(ROOT / "web"), "--warm-containers", "EAGER"]
    with _running([*command, *static, "--parameter-overrides", *overrides], log, engine.env):
        # The page answers when the gateway does, and calls no function.
        wait_for(f"http://127.0.0.1:{port}/index.html", log, START_S * 3)
        yield f"http://127.0.0.1:{port}"


def free_port(host: str) -> int:
    """A port that is free now."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


def wait_for(url: str, log: Path, seconds: float = START_S) -> None:
    """Return when something answers at a URL, whatever it says."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise RuntimeError(f"nothing answers at {url}:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.2)


@contextmanager
def _running(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """A process for the block. SIGTERM ends it: `sam local` then removes its containers."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
