"""The document of tokens as a file, for the local server: read again when it changes, so a revocation works at once."""

from collections.abc import Callable
from pathlib import Path

from pointsman.auth.bearer import Document, read_document
from pointsman.errors import MalformedRequest, TokensError
from pointsman.text_in import text_of


def read_tokens(path: Path) -> Document:
    """The document of a file.

    Raises:
        TokensError: it cannot be read, or is none; names the file.
    """
    try:
        return read_document(text_of(path.read_bytes(), str(path)))
    except FileNotFoundError:
        raise TokensError(f"{path}: no such file. `pointsman token new NAME --file {path}` makes it.") from None
    except OSError as error:
        raise TokensError(f"{path}: cannot be read: {error.strerror}.") from None
    except MalformedRequest as error:
        raise TokensError(error.detail) from None
    except TokensError as error:
        raise TokensError(f"{path}: {error.detail}") from None


def watched_tokens(path: Path) -> Callable[[], Document]:
    """What gives the document of a file as it is now; it raises as `read_tokens` does, and lets nobody in then."""
    kept: tuple[tuple[int, int, int], Document] | None = None

    def document() -> Document:
        nonlocal kept
        try:
            found = path.stat()
        except OSError:
            kept = None
            return read_tokens(path)
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        if kept is None or kept[0] != mark:
            kept = (mark, read_tokens(path))
        return kept[1]

    document()
    return document
