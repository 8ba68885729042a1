"""The size of an image, read from the first bytes of a data URI: PNG, JPEG, GIF and WebP. No image is ever decoded."""

import base64
import binascii
import re

from pointsman.routing.image_tokens import Image

# A JPEG says its size behind its metadata, which may hold a thumbnail; elsewhere the first bytes do.
_LETTERS = 131_072
_DATA_URI = re.compile(r"data:[\w.+/-]{0,100}(?:;[\w=.+-]{1,100}){0,4},")
# Markers of JPEG frames; the rest of C0-CF are tables.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
MOST_PIXELS = 100_000


def image_of(source: object, detail: object = None) -> Image:
    """An image from a data URI, the bare base64 of one, or an address; its size where the letters say it."""
    asked = detail if isinstance(detail, str) else None
    if not isinstance(source, str) or source.startswith(("http://", "https://")):
        return Image(detail=asked)
    head = _DATA_URI.match(source)
    start = head.end() if head else 0
    size = _size(_decoded(source[start : start + _LETTERS]))
    return Image(*size, asked) if size else Image(detail=asked)


def _decoded(letters: str) -> bytes:
    letters = letters[: len(letters) // 4 * 4]
    try:
        return base64.b64decode(letters)
    except (ValueError, binascii.Error):
        return b""


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where the bytes do not say or say nonsense."""
    size = None
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        size = _big(data[16:20]), _big(data[20:24])
    elif data.startswith((b"GIF87a", b"GIF89a")):
        size = _little(data[6:8]), _little(data[8:10])
    elif data.startswith(b"\xff\xd8"):
        size = _jpeg(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = _webp(data)
    return size if size and all(0 < side <= MOST_PIXELS for side in size) else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAMES:
            return _big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7])
        at += 2 + max(2, _big(data[at + 2 : at + 4]))
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    form = data[12:16]
    if form == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if form == b"VP8L":
        bits = _little(data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
