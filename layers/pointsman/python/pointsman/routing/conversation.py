"""A conversation: turns with roles, from chat messages or from text that is a transcript.

A text counts as a transcript only where its form says so: chat templates, JSON messages, or lines that open with a
role's name, in which the user has the last word. Anything else is one turn of the user, exactly as it came. Reading
takes time linear in the text, whatever it holds.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
MOST_TURNS = 5_000


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn; its text is stripped."""

    role: Role
    text: str


# What writers call the four roles, in the embedder's languages and the anchors'.
NAMES: dict[Role, str] = {
    "user": "user human customer nutzer benutzer mensch utilisateur utilisatrice humain usuario humano utente umano "
    "usuário utilizador gebruiker użytkownik człowiek пользователь человек kullanıcı insan المستخدم الإنسان "
    "用户 用戶 使用者 ユーザー ユーザ 人間 사용자 인간 ผู้ใช้ उपयोगकर्ता यूज़र mtumiaji",
    "assistant": "assistant ai bot chatbot model chatgpt gpt gpt-4 claude gemini llm assistent assistentin ki "
    "asistente ia assistente asystent ассистент помощник бот ии asistan المساعد 助手 助理 アシスタント "
    "어시스턴트 도우미 ผู้ช่วย सहायक msaidizi",
    "system": "system developer",
    "tool": "tool function observation tool_result",
}
SPACED: dict[str, Role] = {
    "người dùng": "user",
    "trợ lý": "assistant",
    "yapay zeka": "assistant",
    "tool result": "tool",
    "tool output": "tool",
    "ai assistant": "assistant",
}
ROLES: dict[str, Role] = {name: role for role, names in NAMES.items() for name in names.split()} | SPACED
ALIASES: dict[str, Role] = {**ROLES, "ipython": "tool", "environment": "tool"}

_NAME = "(" + "|".join(sorted(map(re.escape, ROLES), key=len, reverse=True)) + ")"
# A line that opens with a role's name and a colon, perhaps in bold, in brackets or as a heading; a line that is nothing
# but a decorated name; or a tag.
LABEL = re.compile(
    r"^(?=[^\n])(?:"  # an empty line is none, and is passed over fast
    rf"[ \t]{{0,4}}(?:[#>*_\[(-]{{0,4}}[ ]?){_NAME}(?:[ ]?\d{{1,3}})?[*_\])]{{0,4}}[ ]?[:：][*_]{{0,3}}"
    rf"|[ \t]{{0,4}}(?:[#*_]{{1,6}}[ ]?|[\[(]){_NAME}[*_\])]{{0,4}}[ \t]{{0,4}}$"
    rf"|[ \t]{{0,4}}<{_NAME}>)",
    re.IGNORECASE | re.MULTILINE,
)
TAG_END = re.compile(rf"</{_NAME}>", re.IGNORECASE)
TEMPLATE = re.compile(
    r"<\|im_start\|>[ ]?(\w{1,20})|<\|start_header_id\|>[ ]?(\w{1,20})[ ]?<\|end_header_id\|>"
    r"|<start_of_turn>[ ]?(\w{1,20})|<\|(user|assistant|system|tool)\|>|(\[INST\])|(\[/INST\])"
)
TEMPLATE_END = re.compile(
    r"<\|im_end\|>|<\|eot_id\|>|<\|end\|>|<end_of_turn>|<\|end_?of_?text\|>|<\|begin_of_text\|>|</?s>|<</?SYS>>"
)
# A preamble that speaks of what follows makes the transcript its material.
ABOUT = re.compile(
    r"\b(?:summar\w*|classif\w*|extract\w*|translat\w*|analy[sz]\w*|rate|label\w*|evaluat\w*|judge|following|below"
    r"|transcript|conversation|dialog(?:ue)?|chat|log|zusammen\w*|folgend\w*|gespräch\w*|résum\w*|suivant\w*"
    r"|resum\w*|siguiente|riassum\w*|seguente|seguinte|samenvat\w*|volgende|podsumuj|следующ\w*|özetle|aşağıda\w*)\b"
    r"|总结|摘要|以下|總結|要約|次の|요약|다음|สรุป|ต่อไปนี้|لخص|التالي",
    re.IGNORECASE,
)


def conversation_of_text(text: str) -> list[Turn]:
    """The turns of a transcript, or the whole text as one turn of the user."""
    return _template_turns(text) or _json_turns(text) or _labelled_turns(text) or [Turn("user", text)]


def conversation_of_messages(messages: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """The turns of chat messages: `role` and `content`, a text or a list of parts of which the texts count.

    A message without text, such as a bare tool call, is no turn. An unknown role is the assistant's.
    """
    turns = []
    for message in messages:
        text = _content_text(message.get("content")).strip()
        if text:
            role = ALIASES.get(str(message.get("role", "user")).lower(), "assistant")
            turns.append(Turn(role, text))
    return turns


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list | tuple):
        return ""
    parts = (part.get("text") if isinstance(part, Mapping) else part for part in content)
    return "\n".join(part for part in parts if isinstance(part, str))


def _json_turns(text: str) -> list[Turn] | None:
    stripped = text.strip()
    if not stripped.startswith(("[", "{")) or '"role"' not in stripped:
        return None
    try:
        document = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, dict):
        document = document.get("messages", [document])
    if not isinstance(document, list) or not all(isinstance(one, dict) and "role" in one for one in document):
        return None
    return _if_the_user_speaks(conversation_of_messages(document))


def _template_turns(text: str) -> list[Turn] | None:
    marks = _marks(TEMPLATE, text)
    if not marks:
        return None
    turns = []
    for mark, after in pairwise([*marks, None]):
        assert mark is not None
        name = next((group for group in mark.groups() if group), "user").lower()
        role: Role = {"[inst]": "user", "[/inst]": "assistant"}.get(name) or ALIASES.get(name, "assistant")  # type: ignore[assignment]
        turns.append((role, text[mark.end() : after.start() if after else len(text)]))
    if before := text[: marks[0].start()]:
        turns.insert(0, ("system", before))
    return _if_the_user_speaks(_stripped((role, TEMPLATE_END.sub("", part)) for role, part in turns))


def _labelled_turns(text: str) -> list[Turn] | None:
    marks = _marks(LABEL, text)
    roles = [ROLES[next(name for name in mark.groups() if name).lower()] for mark in marks]
    if "user" not in roles or "assistant" not in roles:
        return None
    preamble = text[: marks[0].start()].strip()
    parts = [
        text[mark.end() : after.start() if after else len(text)] for mark, after in pairwise([*marks, None]) if mark
    ]
    turns = _stripped((role, TAG_END.sub("", part)) for role, part in zip(roles, parts, strict=True))
    # The user has the last word in a conversation that waits for an answer; otherwise it is material.
    if not turns or turns[-1].role == "assistant" or (preamble and ABOUT.search(preamble[:2000])):
        return None
    if preamble:
        turns.insert(0, Turn("system", preamble))
    return _if_the_user_speaks(turns)


def _marks(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Where turns begin; none where there are more than any conversation has: that is a log, and one turn."""
    found = list(islice(pattern.finditer(text), MOST_TURNS + 1))
    return found if len(found) <= MOST_TURNS else []


def _stripped(turns: Iterable[tuple[Role, str]]) -> list[Turn]:
    return [Turn(role, text.strip()) for role, text in turns if text.strip()]


def _if_the_user_speaks(turns: list[Turn]) -> list[Turn] | None:
    return turns if any(turn.role == "user" for turn in turns) else None
