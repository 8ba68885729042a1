"""Conversations: read from messages and from the usual forms of transcripts, and from nothing else."""

import json
from typing import Any

import pytest
from pointsman.routing.conversation import Turn, conversation_of_messages, conversation_of_text

from scripts.harness.hostile import SHAPES

TRANSCRIPTS = {
    "labels": "User: hi\nAssistant: hello\nUser: go on",
    "Human and AI": "Human: hi\nAI: hello\nHuman: go on",
    "an answer to come": "\n\nHuman: hi\n\nAssistant: hello\n\nHuman: go on\n\nAssistant:",
    "bold": "**User:** hi\n\n**Assistant:** hello\n\n**User:** go on",
    "headings": "### User: hi\n### Assistant: hello\n### User: go on",
    "brackets": "[User]: hi\n[Assistant]: hello\n[User]: go on",
    "headings alone": "## User\nhi\n\n## Assistant\nhello\n\n## User\ngo on",
    "brackets alone": "[user]\nhi\n[assistant]\nhello\n[user]\ngo on",
    "bold alone": "**User**\nhi\n**Assistant**\nhello\n**User**\ngo on",
    "tags": "<user>hi</user>\n<assistant>hello</assistant>\n<user>go on</user>",
    "lower case": "user: hi\nassistant: hello\nuser: go on",
    "JSON": json.dumps(
        [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": [{"type": "text", "text": "go on"}]},
        ]
    ),
    "ChatML": "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nhello<|im_end|>\n"
    "<|im_start|>user\ngo on<|im_end|>\n<|im_start|>assistant\n",
    "Llama 3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nhello<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\ngo on<|eot_id|>",
    "Gemma": "<start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\nhello<end_of_turn>\n"
    "<start_of_turn>user\ngo on<end_of_turn>\n",
    "Mistral": "<s>[INST] hi [/INST] hello</s>[INST] go on [/INST]",
    "German": "Nutzer: hi\nAssistent: hello\nNutzer: go on",
    "French": "Utilisateur : hi\nAssistant : hello\nUtilisateur : go on",
    "Chinese": "用户:hi\n助手:hello\n用户:go on",
    "Japanese": "ユーザー: hi\nアシスタント: hello\nユーザー: go on",
    "Korean": "사용자: hi\n어시스턴트: hello\n사용자: go on",
    "Russian": "Пользователь: hi\nАссистент: hello\nПользователь: go on",
    "Arabic": "المستخدم: hi\nالمساعد: hello\nالمستخدم: go on",
    "Vietnamese": "Người dùng: hi\nTrợ lý: hello\nNgười dùng: go on",
}


@pytest.mark.parametrize("form", TRANSCRIPTS)
def test_a_transcript_is_read_as_its_turns(form: str) -> None:
    turns = conversation_of_text(TRANSCRIPTS[form])
    assert [(turn.role, turn.text) for turn in turns if turn.role != "system"] == [
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "go on"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "  What is\n\n1+1?  ",
        "User: who is the current user of this machine?",
        "Tom: hi\nAnn: hello\nTom: bye",
        "Summarise this chat in one line:\nUser: hi\nAssistant: hello\nUser: bye",
        "User: hi\nAssistant: hello, how can I help?",
        '[{"name": "user"}]',
        '{"role": "admin", "can": ["read"]}',
        "[[[[",
    ],
)
def test_what_is_no_conversation_stays_as_it_came(text: str) -> None:
    (turn,) = conversation_of_text(text)
    assert (turn.role, turn.text) == ("user", text)


def test_messages_without_text_are_no_turns_and_tools_are_no_users() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Fix it"}, {"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "content": "1 failed"},
        {"role": "developer", "content": "Be careful."},
    ]
    assert [(turn.role, turn.text) for turn in conversation_of_messages(messages)] == [
        ("system", "Be brief."),
        ("user", "Fix it"),
        ("tool", "1 failed"),
        ("system", "Be careful."),
    ]


def test_nested_beyond_reason_is_only_text() -> None:
    text = '{"role":' * 100_000
    assert conversation_of_text(text)[0].text == text


@pytest.mark.parametrize("shape", SHAPES)
def test_reading_a_hostile_text_is_linear_in_it(shape: str) -> None:
    # A search that started over at every mark would not come back from these.
    assert conversation_of_text(SHAPES[shape](500_000))


def test_more_turns_than_any_conversation_has_are_a_log_and_one_turn() -> None:
    turn = "User: hi\nAssistant: hello\n"
    within = conversation_of_text(turn * 2_000 + "User: and now?")
    assert len(within) == 4_001
    beyond = turn * 2_600 + "User: and now?"
    assert conversation_of_text(beyond) == [Turn("user", beyond)]
    marked = "<|im_start|>user\nhi<|im_end|>\n" * 5_001
    assert conversation_of_text(marked) == [Turn("user", marked)]
