"""What the history keeps of a prompt: at most 64 KiB of head and tail, its view, or nothing but its hash."""

import hashlib
from dataclasses import dataclass

from pointsman.settings import StorePrompts

KEPT_BYTES = 65_536
ELISION = "\n…\n"


@dataclass(frozen=True, slots=True)
class KeptPrompt:
    """What the history keeps of a prompt: its text or a part of it, and the identity of the whole."""

    prompt: str | None
    prompt_bytes: int
    prompt_sha256: str


def kept_prompt(prompt: str, view: str, store: StorePrompts) -> KeptPrompt:
    """What is kept of a prompt: at most 64 KiB of head and tail, or of its view, or nothing but its hash."""
    raw = prompt.encode()
    text = {StorePrompts.FULL: prompt, StorePrompts.VIEW: view, StorePrompts.HASH: None}[store]
    if text is not None:
        text = shortened_prompt(text, KEPT_BYTES)
    return KeptPrompt(text, len(raw), hashlib.sha256(raw).hexdigest())


def shortened_prompt(text: str, most: int) -> str:
    """Head and tail of a text, of at most `most` bytes in all beside the mark between them; a short one whole."""
    whole = text.encode()
    if len(whole) <= most:
        return text
    head, tail = whole[: most // 2], whole[len(whole) - most // 2 :]
    return head.decode(errors="ignore") + ELISION + tail.decode(errors="ignore")
