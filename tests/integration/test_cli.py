"""The command line, run as a user runs it: what it prints, and one line and an exit code when it cannot."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from pointsman.history.sqlite import SqliteHistory

from scripts.harness.serving import command, serving
from tests.conftest import ROOT, WriteRegistry, model_yaml


def run(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), input=stdin, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


def failed(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command failed with."""
    assert result.returncode == 1, result.stdout
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("pointsman: ")
    return result.stderr


@pytest.fixture(scope="module")
def artifact(artifact_folder: Path) -> str:
    return f"--artifact={artifact_folder}"


def test_a_prompt_is_routed_and_the_chosen_model_marked(artifact: str) -> None:
    result = run("route", "What is 1+1?", artifact)
    assert result.returncode == 0, result.stderr
    first, *rest = result.stdout.splitlines()
    assert "is worth the most of" in first
    (chosen,) = [line for line in rest if line.startswith("→")]
    assert chosen.split()[-1] in first


def test_a_decision_can_be_had_as_json_from_standard_input(artifact: str) -> None:
    result = run("route", "-", "--json", "--config", "single-opus", artifact, stdin="你好，世界\n")
    decision = json.loads(result.stdout)
    assert [call["model_id"] for call in decision["calls"]] == ["anthropic/claude-opus-5"]
    assert decision["prompt"] == "你好，世界\n"
    assert decision["recorded"] is False


def test_a_batch_gives_a_line_for_a_line_and_goes_on_after_a_bad_one(artifact: str, tmp_path: Path) -> None:
    batch = tmp_path / "prompts.jsonl"
    batch.write_text(
        '"first"\n{"prompt": "second", "config": "cheap-pair"}\n\nnot json\n{"prompt": ""}\n{"promt": "x"}\n'
    )
    result = run("route", "--batch", str(batch), artifact)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("prompt") for line in lines[:2]] == ["first", "second"]
    assert lines[1]["config"] == "cheap-pair"
    assert [(line["line"], line["status"]) for line in lines[2:]] == [(4, 400), (5, 422), (6, 400)]
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_a_recorded_decision_is_in_the_history(artifact: str, tmp_path: Path) -> None:
    db = f"--db={tmp_path / 'cli.db'}"
    decision = json.loads(run("route", "hello there", "--record", "--json", artifact, db).stdout)
    assert decision["recorded"] is True
    listed = run("history", db)
    assert decision["id"] in listed.stdout
    assert "hello there" in listed.stdout
    (call,) = [json.loads(line) for line in run("history", "--json", db).stdout.splitlines()]
    assert call["id"] == decision["id"]
    shown = json.loads(run("history", db, "show", decision["id"]).stdout)
    assert shown["candidates"] == decision["candidates"]
    assert run("history", "--config", "single-opus", db).stdout == ""


def test_what_the_log_kept_can_be_replayed(tmp_path: Path, artifact: str) -> None:
    decision = json.loads(run("route", "hello", "--json", artifact).stdout)
    log = tmp_path / "server.log"
    log.write_text("noise\n" + json.dumps({"event": "decision_not_recorded", "error": "x", "record": decision}) + "\n")
    db = f"--db={tmp_path / 'cli.db'}"
    assert "1 decision of the log" in run("history", db, "replay", str(log)).stdout
    assert decision["id"] in run("history", db).stdout


def test_the_registry_is_listed_and_checked() -> None:
    assert "anthropic/claude-opus-5" in run("models").stdout
    assert "quality-pair" in run("configs").stdout
    listed = [json.loads(line)["model_id"] for line in run("models", "--json").stdout.splitlines()]
    assert len(listed) == len(list((ROOT / "registry/models").glob("*.yaml")))
    assert [json.loads(line)["name"] for line in run("configs", "--json").stdout.splitlines()]
    assert run("registry", "check").stdout.endswith(f"{len(listed)} models and 8 configs, no fault.\n")


def test_registry_check_reports_every_fault_of_every_file(write_registry: WriteRegistry) -> None:
    folder = write_registry(
        {"one.yaml": model_yaml("acme/one", more="colour: red\nlatency_s: -1"), "two.yaml": "model_id: ["},
        {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/nine]\nmax_k: 9\n"},
    )
    message = failed(run("registry", "check", str(folder)))
    for place in ("one.yaml:10: colour", "one.yaml:11: latency_s", "two.yaml:", "auto.yaml:4: max_k"):
        assert place in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["route", ""], "the prompt is empty"),
        (["route", "hello", "--config", "nope"], "Use one of: agent"),
        (["route", b"\xff\xfe"], "PROMPT: not UTF-8: byte 0xff at 1"),
        (["models", "--registry", "/nowhere"], "no registry files here"),
        (["route", "x", "--artifact", "/nowhere"], "make artifact"),
        (["history", "--db", "/proc/nothing/history.db"], "cannot create its folder"),
    ],
)
def test_bad_input_is_one_line_and_a_non_zero_exit(arguments: list[Any], words: str, artifact: str) -> None:
    given = arguments if arguments[0] != "route" or "--artifact" in arguments else [*arguments, artifact]
    assert words in failed(run(*given))


def test_a_registry_fault_names_its_file(write_registry: WriteRegistry, artifact: str) -> None:
    folder = write_registry({"one.yaml": "- nothing\n"}, {})
    assert "one.yaml" in failed(run("route", "hello", artifact, "--registry", str(folder)))


def test_a_setting_that_makes_no_sense_is_named(artifact: str) -> None:
    message = failed(run("route", "hello", artifact, POINTSMAN_THREADS="many"))
    assert "POINTSMAN_THREADS='many'" in message
    assert "POINTSMAN_STORE_PROMPTS" in failed(run("route", "hello", artifact, POINTSMAN_STORE_PROMPTS="maybe"))


def test_prompts_can_be_kept_out_of_the_history(tmp_path: Path, artifact: str) -> None:
    db = f"--db={tmp_path / 'private.db'}"
    run("route", "a secret plan", "--record", artifact, db, POINTSMAN_STORE_PROMPTS="hash")
    assert "(not kept)" in run("history", db).stdout
    for path in tmp_path.glob("private.db*"):
        assert b"secret plan" not in path.read_bytes()


def test_input_that_is_not_utf8_is_one_line(artifact: str) -> None:
    result = subprocess.run(command("route", "-", artifact), input=b"ok \xff\x00", capture_output=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(b"pointsman: standard input: not UTF-8: byte 0xff at 4.")
    assert b"Traceback" not in result.stderr


LOCALES = [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}]


@pytest.mark.parametrize("locale", LOCALES)
def test_text_is_utf8_whatever_the_locale_and_comes_back_so(locale: dict[str, str], artifact: str) -> None:
    prompt = "你好，世界 — émoji 👩"
    env = {**os.environ, **locale}
    as_argument = [word.encode() for word in command("route", prompt, "--json", artifact)]
    as_input = [word.encode() for word in command("route", "-", "--json", artifact)]
    for arguments, stdin in ((as_argument, b""), (as_input, b"\xef\xbb\xbf" + prompt.encode())):
        result = subprocess.run(arguments, input=stdin, capture_output=True, check=True, env=env)
        assert json.loads(result.stdout.decode())["prompt"] == prompt


def test_one_bad_byte_in_a_batch_costs_its_own_line_only(artifact: str, tmp_path: Path) -> None:
    batch = tmp_path / "prompts.jsonl"
    batch.write_bytes(b'\xef\xbb\xbf"first"\r\n"caf\xe9"\r\n\r\n{"prompt":\r "na\xc3\xafve"}\r\n"\xe2\x80\xa8 last"')
    result = subprocess.run(command("route", "--batch", str(batch), artifact), capture_output=True, check=False)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("prompt") for line in lines] == ["first", None, "naïve", "\u2028 last"]
    assert (lines[1]["line"], lines[1]["status"]) == (2, 400)
    assert "not UTF-8: byte 0xe9 at 5" in lines[1]["detail"]
    assert result.returncode == 1


def test_line_ends_of_windows_make_the_same_prompt(artifact: str) -> None:
    hashes = set()
    for stdin in (b"one\ntwo\n", b"one\r\ntwo\r\n"):
        result = subprocess.run(command("route", "-", "--json", artifact), input=stdin, capture_output=True, check=True)
        hashes.add(json.loads(result.stdout)["prompt_sha256"])
    assert len(hashes) == 1


def test_a_log_with_a_bad_byte_a_mark_and_windows_line_ends_can_be_replayed(tmp_path: Path, artifact: str) -> None:
    decision = json.loads(run("route", "hello", "--json", artifact).stdout)
    line = json.dumps({"event": "decision_not_recorded", "error": "x", "record": decision}).encode()
    log = tmp_path / "server.log"
    log.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\xff\xfe noise\r\n")
    db = f"--db={tmp_path / 'cli.db'}"
    run("history", db, "replay", str(log))
    assert json.loads(run("history", db, "show", decision["id"].lower()).stdout)["prompt"] == "hello"


def test_the_history_is_listed_by_an_alias_and_an_unknown_name_is_refused(tmp_path: Path, artifact: str) -> None:
    db = f"--db={tmp_path / 'cli.db'}"
    run("route", "hello", "--record", "--config", "single-opus", artifact, db)
    assert "hello" in run("history", "--model", "claude-opus-5", db).stdout
    assert "Did you mean" in failed(run("history", "--model", "anthropic/claude-opus-55", db))
    assert "Use one of: agent" in failed(run("history", "--config", "Auto", db))


def test_a_page_that_is_not_there_stops_the_server(artifact: str, tmp_path: Path) -> None:
    assert "holds no index.html" in failed(run("serve", "--port", "0", artifact, POINTSMAN_WEB=str(tmp_path)))


def test_ctrl_c_ends_the_server_quietly(artifact: str) -> None:
    with serving(artifact) as server:
        httpx.get(f"{server.url}/api/health").raise_for_status()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=30) == 0


def test_a_port_in_use_is_one_line_and_a_non_zero_exit(artifact: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = failed(run("serve", "--port", str(port), artifact))
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in message
    assert "--port" in message


@pytest.mark.parametrize("host", ["256.1.1.1", "no such host", "192.0.2.1"])
def test_an_address_that_is_not_this_machines_is_refused(artifact: str, host: str) -> None:
    assert "--host" in failed(run("serve", "--port", "0", "--host", host, artifact))


def test_the_server_says_where_it_is_and_answers_in_three_languages(artifact: str, tmp_path: Path) -> None:
    db = tmp_path / "served.db"
    with serving(artifact, f"--db={db}") as server, httpx.Client(base_url=server.url, timeout=30) as client:
        ids = []
        for prompt in ("What is the capital of France?", "法国的首都是哪里？", "¿Cuál es la capital de Francia?"):
            decision = client.post("/api/route", json={"prompt": prompt}).json()
            assert decision["recorded"] is True
            assert decision["candidates"]
            ids.append(decision["id"])
        assert [call["id"] for call in client.get("/api/history").json()["calls"]] == ids[::-1]
        assert "<title>" in client.get("/").text
    history = SqliteHistory(db)
    assert len(history.page(10).calls) == 3
    history.close()


def test_a_corrupt_artifact_stops_the_server_before_it_serves(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    assert "manifest.json: not JSON" in failed(run("serve", "--port", "0", "--artifact", str(tmp_path)))


def test_a_file_that_is_no_database_stops_the_server(tmp_path: Path, artifact: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes " * 50)
    assert "not an SQLite database" in failed(run("serve", "--port", "0", "--db", str(path), artifact))
    assert path.read_text().startswith("these are my notes")


def test_an_empty_history_says_which_one_was_read(tmp_path: Path) -> None:
    db = tmp_path / "history.db"
    empty = run("history", "--db", str(db))
    assert (empty.stdout, empty.stderr) == ("", f"No decisions yet in {db}.\n")
    narrowed = run("history", "--db", str(db), "--config", "single-opus", "--json")
    assert (narrowed.stdout, narrowed.stderr) == ("", f"No decision fits in {db}.\n")


def test_what_one_command_records_every_other_finds_without_being_told_where(artifact: str, tmp_path: Path) -> None:
    home = {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    decision = json.loads(run("route", "hello", "--record", "--json", artifact, **home).stdout)
    assert decision["id"] in run("history", **home).stdout
    served = subprocess.run(["make", "--dry-run", "serve"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pointsman serve" in served.stdout
    assert "--db" not in served.stdout
