"""What the history keeps of a prompt: at most 64 KiB of head and tail, its view, or nothing but its hash."""

import hashlib
import hmac
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


def kept_prompt(prompt: str, view: str, store: StorePrompts, hash_key: str = "") -> KeptPrompt:
    """What is kept of a prompt: at most 64 KiB of head and tail, or of its view, or nothing but its hash."""
    raw = prompt.encode()
    text = {StorePrompts.FULL: prompt, StorePrompts.VIEW: view, StorePrompts.HASH: None}[store]
    if text is not None:
        text = shortened_prompt(text, KEPT_BYTES)
    return KeptPrompt(text, len(raw), prompt_hash(raw, hash_key))


def prompt_hash(raw: bytes, key: str = "") -> str:
    """The sha256 of a prompt; with a key its HMAC, by which nobody without the key can test what a prompt was."""
    if not key:
        return hashlib.sha256(raw).hexdigest()
    return hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()


def shortened_prompt(text: str, most: int) -> str:
    """Head and tail of a text, of at most `most` bytes in all beside the mark between them; a short one whole."""
    whole = text.encode()
    if len(whole) <= most:
        return text
    head, tail = whole[: most // 2], whole[len(whole) - most // 2 :]
    return head.decode(errors="ignore") + ELISION + tail.decode(errors="ignore")
