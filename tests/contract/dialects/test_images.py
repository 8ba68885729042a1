"""The size of images is read from their first bytes, and their tokens follow their provider's rule."""

import base64
import struct

import pytest
from pointsman.dialects.images import image_of
from pointsman.routing.image_tokens import Image, tokens_of

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480)
JPEG = (
    b"\xff\xd8\xff\xe0\0\x10JFIF"
    + bytes(10)
    + b"\xff\xc4\0\x04\0\0"
    + b"\xff\xc0\0\x11\x08"
    + struct.pack(">HH", 480, 640)
)
WEBP_X = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
WEBP_L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (639 | 479 << 14).to_bytes(4, "little")
WEBP = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + bytes(6) + struct.pack("<HH", 640, 480)


def uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64," + base64.b64encode(data + bytes(96)).decode()


@pytest.mark.parametrize("data", [PNG, GIF, JPEG, WEBP_X, WEBP_L, WEBP])
def test_a_size_is_read_from_the_first_bytes(data: bytes) -> None:
    assert image_of(uri(data)) == Image(640, 480)
    assert image_of(base64.b64encode(data + bytes(96)).decode(), "low") == Image(640, 480, "low")


@pytest.mark.parametrize(
    "source",
    [
        "https://example.com/a.png",
        None,
        5,
        "",
        "data:image/png;base64,",
        "data:image/png;base64,!!!!",
        uri(PNG[:16] + bytes(8)),
        uri(b"\xff\xd8" + b"\xff\xe0\xff\xff" * 20),
        uri(b"\xff\xd8\xff"),
        uri(b"RIFF\0\0\0\0WEBPnone"),
        "\x00" * 50,
    ],
)
def test_an_image_that_does_not_say_its_size_is_one_all_the_same(source: object) -> None:
    assert image_of(source) == Image()


def test_five_megabytes_of_letters_are_not_decoded() -> None:
    assert image_of(uri(PNG) + "A" * 7_000_000) == Image(640, 480)


# Published counts (huggingface.co/datasets/JOHNISKING/image-token-cost), the question beside the image included.
@pytest.mark.parametrize(
    ("width", "height", "claude", "gpt_auto", "gpt_high"),
    [
        (256, 256, 177, 77, 77),
        (512, 512, 438, 308, 308),
        (768, 768, 861, 692, 692),
        (1024, 1024, 1446, 1229, 1229),
        (1280, 720, 1273, 1104, 1104),
        (1920, 1080, 2768, 2448, 2448),
        (2560, 1440, 3069, 4320, 2931),
        (4032, 3024, 4005, 11868, 2942),
    ],
)
def test_the_rules_agree_with_published_counts(
    width: int, height: int, claude: int, gpt_auto: int, gpt_high: int
) -> None:
    assert tokens_of([Image(width, height)], "anthropic") == pytest.approx(claude - 77, rel=0.03)
    assert tokens_of([Image(width, height)], "openai") == pytest.approx(gpt_auto, rel=0.03)
    assert tokens_of([Image(width, height, "high")], "openai") == pytest.approx(gpt_high, rel=0.03)
    assert tokens_of([Image(width, height)], "google") == pytest.approx(1100, rel=0.06)


def test_where_there_is_no_rule_or_no_size_a_stated_default_stands() -> None:
    assert tokens_of([Image(4032, 3024), Image()], "acme") == 2000
    assert tokens_of([Image()], "openai") == tokens_of([Image(1024, 1024)], "openai")
    assert tokens_of([Image(detail="low")], "openai") == 308
    assert tokens_of([], "openai") == 0
