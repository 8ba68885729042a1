"""Images that stand in a prompt as text: each counts as an image, not as the thousands of letters that carry it."""

import re

# What an image is taken to cost in input tokens where its provider's rule is not known: a picture of about a megapixel,
# for which price lists say from 260 to 1,600.
TOKENS_AN_IMAGE = 1_000
_IMAGE = re.compile(r"(data:image/[A-Za-z0-9.+-]{1,40};base64,)[A-Za-z0-9+/_=-]{64,}")


def without_images(prompt: str) -> tuple[str, int]:
    """A prompt without the letters of its images (each data URI keeps its head), and how many images there are."""
    if "data:image/" not in prompt:
        return prompt, 0
    return _IMAGE.subn(r"\1", prompt)
