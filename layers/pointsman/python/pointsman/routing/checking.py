"""Whether the text of a request can be routed at all: it is text, it says something, and it is not too long."""

from pointsman.errors import Fault, PayloadTooLarge, RequestError


def check_prompt(prompt: object, most: int) -> str:
    """The prompt, once it is known to be text that can be routed.

    Raises:
        RequestError: it is not text, or blank.
        PayloadTooLarge: it has more than `most` bytes.
    """
    if not isinstance(prompt, str):
        raise _refused("prompt", f"expected text, found {type(prompt).__name__}", "Send the prompt as a string.")
    if not prompt or prompt.isspace():
        raise _refused("prompt", "the prompt is empty", "Send the text that the model is to answer.")
    check_size("prompt", prompt, most)
    return prompt


def check_size(field: str, text: str, most: int) -> None:
    """Refuse text that is too long, or not text.

    Raises:
        RequestError: it has half a character.
        PayloadTooLarge: it has more than `most` bytes.
    """
    size = check_text(field, text)
    if size > most:
        message = f"the {field if field == 'prompt' else 'request'} has {size:,} bytes; at most {most:,} are routed"
        remedy = "Send a shorter prompt, or raise POINTSMAN_MAX_PROMPT_BYTES."
        raise PayloadTooLarge(f"{field}: {message}. {remedy}", [Fault(field, message, remedy)])


def check_text(field: str, text: str) -> int:
    """The size of a text in UTF-8 bytes. Raises RequestError for a lone surrogate, which has no encoding."""
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        message = f"not valid Unicode: a lone surrogate at character {error.start}"
        raise _refused(field, message, "Send whole characters: a surrogate must be one of a pair.") from None


def _refused(field: str, message: str, remedy: str) -> RequestError:
    return RequestError(f"{field}: {message}. {remedy}", [Fault(field, message, remedy)])
