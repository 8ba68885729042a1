"""Dialects: what reading a body costs beside parsing it, a conversation beside its text as a prompt, and sessions."""

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pointsman import Router
from pointsman.dialects.reading import read
from pointsman.history.sqlite import SqliteHistory
from pointsman.routing.sessions import sessions_of

from benchmarks.timing import alternate

TURNS, IN_A_TURN = 10, 5
WORDS = "Please change the function so that it reads the whole file and says what it found there. "


def tools(form: str) -> list[dict[str, Any]]:
    """Twenty tools of six parameters."""
    made = []
    for i in range(20):
        schema = {"type": "object", "properties": {f"p{j}": {"type": "string", "description": "x"} for j in range(6)}}
        about = {"name": f"tool_{i}", "description": WORDS}
        if form == "anthropic_messages":
            made.append({**about, "input_schema": schema})
        elif form == "openai_responses":
            made.append({"type": "function", **about, "parameters": schema})
        else:
            made.append({"type": "function", "function": {**about, "parameters": schema}})
    return made


def bodies() -> dict[str, dict[str, Any]]:
    """A conversation of about 50 messages and 20 tools in each dialect."""
    chat: list[dict[str, Any]] = [{"role": "system", "content": WORDS * 20}]
    items: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    for i in range(16):
        call, arguments = f"call_{i}", json.dumps({"path": "a/b.py"})
        function = {"name": "tool_1", "arguments": arguments}
        chat += [
            {"role": "user", "content": WORDS * 2},
            {"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": call, "content": WORDS * 4},
        ]
        items += [
            {"role": "user", "content": [{"type": "input_text", "text": WORDS * 2}]},
            {"type": "function_call", "call_id": call, **function},
            {"type": "function_call_output", "call_id": call, "output": WORDS * 4},
        ]
        blocks += [
            {"role": "user", "content": [{"type": "text", "text": WORDS * 2}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": call, "name": "tool_1", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": WORDS * 4}]},
        ]
    chat.append({"role": "user", "content": WORDS})
    return {
        "openai_chat": {"messages": chat, "tools": tools("openai_chat")},
        "openai_responses": {"instructions": WORDS * 20, "input": items, "tools": tools("openai_responses")},
        "anthropic_messages": {"system": WORDS * 20, "messages": blocks, "tools": tools("anthropic_messages")},
    }


def main() -> None:
    """Print the tables."""
    print("| body | KB | parse, ms | read, ms p50 | p95 |\n|---|--:|--:|--:|--:|")
    for form, body in bodies().items():
        raw = orjson.dumps(body)

        def reading(body: dict[str, Any] = body) -> None:
            request = read(body)
            assert request.whole
            assert request.prompt
            assert request.stable

        found = alternate({"parse": partial(orjson.loads, raw), "read": reading})
        parse, reads = found["parse"], found["read"]
        print(f"| {form} | {len(raw) / 1000:.0f} | {parse[0]:.3f} | {reads[0]:.3f} | {reads[1]:.3f} |")
    long = {"messages": [{"role": "user", "content": WORDS * 23}, {"role": "assistant", "content": "Done."}] * 100}
    with tempfile.TemporaryDirectory() as folder:
        history = SqliteHistory(Path(folder) / "history.db")
        router = Router.load()
        router.sessions = sessions_of(history.expiring(), router.settings)
        request = read(long)
        text = request.whole
        raw = orjson.dumps(long)
        store = history.expiring()
        session = router.sessions
        conversation = session.conversation(request, "auto", "economic", caller=None, given=None)
        assert conversation is not None
        turn = conversation.turn(request, 50_000, 1.0)
        candidate = router.registry.candidate("openai/gpt-5.6-luna@low")
        found = alternate(
            {
                "as a prompt": lambda: router.decide(text),
                "as a conversation, without a session": lambda: router.decide(read(orjson.loads(raw)), sticky="never"),
                "as a conversation": lambda: router.decide(read(orjson.loads(raw))),
                "session, read": lambda: session.recall(conversation.key),
                "session, write": lambda: conversation.remember(turn, candidate),
                "session, what is written alone": lambda: store.put("k", b"x" * 200, 60),
            },
            TURNS,
            IN_A_TURN,
        )
        print(f"\nA body of {len(raw) / 1000:.0f} KB, 200 messages:\n\n| | ms p50 | p95 |\n|---|--:|--:|")
        for name, (p50, p95) in found.items():
            print(f"| {name} | {p50:.2f} | {p95:.2f} |")
        history.close()


if __name__ == "__main__":
    main()
