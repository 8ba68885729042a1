"""How fast the functions start and answer: `make cold-start`.

The built functions run in Lambda's own runtime emulator (the one that the SAM CLI ships) on this machine, without a
container: a start is the time from the first request to its answer, the interpreter included, and beside it stands
the processor time of all its threads, which a busy machine stretches less. With them run a function that only says
hello, and the same handlers with the dependencies as pip installs them. All of them take turns, so that whatever else
the machine does meets all alike. DynamoDB is a stand-in that says yes at once.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psutil

from scripts.harness.http_server import Answering, listening
from scripts.sam_local.engine import ROOT, RUNTIME, VENV, WORK, clean_environment, install_runtime_client
from scripts.sam_local.stack import free_port

BUILD = ROOT / ".aws-sam/build"
UNTRIMMED = ROOT / "build/layers/untrimmed"
RUNTIME_CLIENT = WORK / "runtime-client"
WARM_CALLS = 200
# 64 tokens of the default embedder, give or take one.
PROMPT = "Explain to a new colleague, step by step, " * 4 + "why the sky looks blue at noon and red at dusk."

HELLO = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n"
LIBRARY_CALL = """
import json, os, statistics, sys, time
from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.compose import open_history
from pointsman.registry import load_registry
from pointsman.router import Router
from pointsman.settings import load_settings
settings = load_settings()
artifact = load_artifact(settings.artifact)
embedder = load_embedder(artifact, settings.threads)
router = Router(load_registry(settings.registry), artifact, embedder, open_history(settings), settings)
prompt, times = sys.argv[1], []
for i in range(int(sys.argv[2]) + 20):
    start = time.perf_counter()
    router.decide(prompt)
    times.append(time.perf_counter() - start)
print(json.dumps({"ms": 1000 * statistics.median(times[20:]), "tokens": len(embedder.tokenize(prompt))}))
"""


def event(method: str, path: str, body: Any = None) -> bytes:
    """What the gateway sends."""
    request = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1"}
    document = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "example.com"},
        "requestContext": {"http": request, "stage": "$default"},
        "isBase64Encoded": False,
        **({} if body is None else {"body": json.dumps(body)}),
    }
    return json.dumps(document).encode()


EVENTS = {
    "hello": b"{}",
    "history": event("GET", "/api/health"),
    "route": event("POST", "/api/route", {"prompt": PROMPT}),
}


@contextmanager
def agreeable_dynamodb() -> Iterator[str]:
    """A DynamoDB that takes everything and keeps nothing."""

    class Handler(Answering):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write an answer: two would wait for each other's acknowledgement

        def post(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.answer(200, "application/x-amz-json-1.0", b"{}")

    with listening(Handler) as url:
        yield url


def environment(function: str, dynamodb: str, *, untrimmed: bool) -> dict[str, str]:
    """What the function finds; the layers are where `sam build` put them, not under /opt."""
    layers = [BUILD / "LibraryLayer/python"]
    layers += [UNTRIMMED] if untrimmed else [BUILD / "ServingLayer/python", BUILD / "EmbeddingLayer/python"]
    if not untrimmed and function == "history":
        layers.remove(BUILD / "EmbeddingLayer/python")
    artifact = BUILD / ("ArtifactLayer/artifact" if function == "route" else "RegistryLayer/registry")
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": ":".join(map(str, [*layers, RUNTIME_CLIENT])),
        "PYTHONDONTWRITEBYTECODE": "1",  # a layer cannot be written to
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_ENDPOINT_URL": dynamodb,
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "29",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "POINTSMAN_TABLE": "decisions",
        "POINTSMAN_ARTIFACT": str(artifact),
        "POINTSMAN_REGISTRY": str(BUILD / "RegistryLayer/registry/registry.json"),
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "Pointsman",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",  # traces are sent as on AWS, to nobody
    }


@contextmanager
def emulated(python: str, function: str, variables: Mapping[str, str], hello: Path) -> Iterator[tuple[str, int]]:
    """The function in the emulator, not yet started; gives the URL that calls it and the emulator's process id."""
    (emulator,) = (VENV / "lib").glob("python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64")
    task = hello if function == "hello" else BUILD / f"{function.title()}Function"
    handler = "hello.handler" if function == "hello" else f"functions.{function}.app.handler"
    calls, runtime = (f"127.0.0.1:{free_port('127.0.0.1')}" for _ in range(2))
    addresses = ["--runtime-interface-emulator-address", calls, "--runtime-api-address", runtime]
    process = subprocess.Popen(
        [str(emulator), "--log-level", "error", *addresses, python, "-m", "awslambdaric", handler],
        cwd=task,
        env={**variables, "LAMBDA_TASK_ROOT": str(task)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while not _listens(calls) and time.monotonic() < until:
            time.sleep(0.01)
        yield f"http://{calls}/2015-03-31/functions/function/invocations", process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def call(url: str, function: str) -> float:
    """Milliseconds of one call, which must succeed."""
    start = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url, EVENTS[function]), timeout=60) as response:
        answer = json.loads(response.read())
    took = 1000 * (time.perf_counter() - start)
    if answer.get("statusCode") != 200:
        raise click.ClickException(f"{function} answered {answer}")
    return took


def processor_ms(emulator: int) -> float:
    """Milliseconds of processor that the runtime under an emulator has used so far."""
    used = [process.cpu_times() for process in psutil.Process(emulator).children(recursive=True)]
    return 1000 * sum(times.user + times.system for times in used)


def imports(python: str, function: str, variables: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds that each package takes to import by itself, largest first."""
    done = subprocess.run(
        [python, "-X", "importtime", "-c", f"import functions.{function}.app"],
        cwd=BUILD / f"{function.title()}Function",
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    total: dict[str, float] = {}
    for line in done.stderr.splitlines():
        if line.startswith("import time:") and "self [us]" not in line:
            own, _, name = line.removeprefix("import time:").split("|")
            package = name.strip().split(".")[0]
            label = "standard library" if package.lstrip("_") in sys.stdlib_module_names | {"encodings"} else package
            total[label] = total.get(label, 0) + int(own) / 1000
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def python_of_the_runtime(named: str | None) -> str:
    """A Python of Lambda's version."""
    found = named or shutil.which(f"python{RUNTIME}")
    if found is None or subprocess.run([found, "-c", ""], capture_output=True).returncode:
        raise click.ClickException(f"There is no python{RUNTIME} here. Name one with --python.")
    return found


def prepare() -> None:
    """What is measured and does not exist yet."""
    if not (BUILD / "template.yaml").is_file():
        raise click.ClickException("Nothing is built. Run `sam build`, or make e2e, first.")
    if not RUNTIME_CLIENT.is_dir():
        install_runtime_client(RUNTIME_CLIENT)
    if not UNTRIMMED.is_dir():
        click.echo("installing the dependencies untrimmed ...")
        subprocess.run(["make", "-C", str(ROOT / "layers"), "untrimmed"], check=True, env=clean_environment())


@click.command()
@click.option("--python", "named", help=f"A Python {RUNTIME}. [default: python{RUNTIME} on the PATH]")
@click.option("--rounds", default=7, show_default=True)
def main(named: str | None, rounds: int) -> None:
    """Print starts, imports and warm calls."""
    python = python_of_the_runtime(named)
    prepare()
    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout.strip()
    click.echo(f"{version}, {os.cpu_count()} processors; {rounds} starts each, in turns; medians in ms")
    kinds = [("hello", False), ("history", False), ("history", True), ("route", False), ("route", True)]
    starts: dict[tuple[str, bool], list[float]] = {kind: [] for kind in kinds}
    used: dict[tuple[str, bool], list[float]] = {kind: [] for kind in kinds}
    with agreeable_dynamodb() as dynamodb, tempfile.TemporaryDirectory() as folder:
        hello = Path(folder)
        (hello / "hello.py").write_text(HELLO)
        for _ in range(rounds + 1):
            for function, untrimmed in kinds:
                variables = environment(function, dynamodb, untrimmed=untrimmed)
                with emulated(python, function, variables, hello) as (url, emulator):
                    starts[function, untrimmed].append(call(url, function))
                    used[function, untrimmed].append(processor_ms(emulator))
        # The first of each reads the files into the machine's memory.
        medians = {kind: statistics.median(times[1:]) for kind, times in starts.items()}
        cpu = {kind: statistics.median(times[1:]) for kind, times in used.items()}
        for kind, median in medians.items():
            name = f"{kind[0]}{' untrimmed' if kind[1] else ''}"
            more, more_cpu = median - medians["hello", False], cpu[kind] - cpu["hello", False]
            low, high = min(starts[kind][1:]), max(starts[kind][1:])
            click.echo(
                f"  start {name:18} {median:7.0f} ({low:.0f} to {high:.0f}), {more:+.0f} to hello; "
                f"processor {cpu[kind]:.0f}, {more_cpu:+.0f}"
            )
        for function in ("history", "route"):
            costs = imports(python, function, environment(function, dynamodb, untrimmed=False))
            shown = ", ".join(f"{name} {ms:.0f}" for name, ms in list(costs.items())[:10])
            click.echo(f"  imports of {function}: {sum(costs.values()):.0f}; {shown}")
        warm = {}
        for function in ("hello", "route"):
            with emulated(python, function, environment(function, dynamodb, untrimmed=False), hello) as (url, _):
                times = [call(url, function) for _ in range(WARM_CALLS + 20)]
            warm[function] = statistics.median(times[20:])
        variables = environment("route", dynamodb, untrimmed=False)
        command = [python, "-c", LIBRARY_CALL, PROMPT, str(WARM_CALLS)]
        library = json.loads(subprocess.run(command, env=variables, capture_output=True, check=True).stdout)
        wrapping = warm["route"] - warm["hello"] - library["ms"]
        click.echo(
            f"  warm route at {library['tokens']} tokens {warm['route']:.1f}, hello {warm['hello']:.1f}, the library's "
            f"decision {library['ms']:.1f}: the handler adds {wrapping:+.1f}"
        )


if __name__ == "__main__":
    main()
