"""Every error that Pointsman raises on purpose, and the only place that knows their HTTP status.

    PointsmanError                     500
    ├── RequestError                   422  the caller can mend it
    │   ├── MalformedRequest           400  not JSON, or not this API's JSON
    │   ├── InvalidCursor              400
    │   ├── PayloadTooLarge            413
    │   ├── UnknownConfig              422
    │   ├── UnknownModel               422
    │   ├── UnknownEffort              422
    │   └── NoCandidate                422  every candidate was filtered out
    ├── NotFound                       404
    ├── AccessError                    403  who calls is not let in, or not for this
    │   ├── NoToken                    401
    │   ├── BadToken                   403  unknown, expired or revoked: a client does not learn which
    │   ├── Forbidden                  403  the token lacks a scope
    │   ├── WrongHost                  421  the request is for another name than this server's
    │   └── TooManyRequests            429  the token's quota of this minute is used up
    ├── HistoryUnavailable             503  the store cannot be read or written now
    ├── Overloaded                     503  more is asked for than this process can serve
    ├── ServiceError                   502  the service that was asked refused, or there is none
    └── StartupError                   500  nothing can be served until the operator mends it
        ├── RegistryError                   carries every fault of every file
        ├── ArtifactError
        ├── SettingsError
        ├── TokensError                     the bearer tokens' document is not one
        └── ServerError                     the port is taken

An error says what is wrong, with the field and the value where there is one, and what to do about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

SHOWN_CHARACTERS = 100
# An answer lists at most so many faults, and no text of one is longer than this.
MOST_FAULTS, MOST_CHARACTERS = 20, 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one field of the input."""

    field: str
    message: str
    remedy: str
    value: str | None = None


class PointsmanError(Exception):
    """The root of the tree; `detail` is one sentence that names what is wrong and the remedy."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something is wrong on our side"
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, faults: Sequence[Fault] = (), more: int = 0) -> None:
        """`more`: how many faults there are beside these."""
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.more = more

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 problem document of this error."""
        return problem_document(self.status, self.code, self.title, self.detail, self.faults, self.more)


def shortened(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """A text as an error shows it: at most 100 characters of it, where no other number is given."""
    return text if len(text) <= most else f"{text[:most]}…"


def problem_document(
    status: int, code: str, title: str, detail: str, faults: Sequence[Fault] = (), more: int = 0
) -> dict[str, Any]:
    """An RFC 9457 problem document; `errors` lists the faulty fields, if any, and `more_errors` counts the rest."""
    document: dict[str, Any] = {
        "type": f"urn:pointsman:problem:{code}",
        "title": title,
        "status": status,
        "detail": shortened(detail, MOST_CHARACTERS),
    }
    if faults:
        document["errors"] = [
            {
                "field": shortened(fault.field),
                "message": shortened(fault.message, MOST_CHARACTERS),
                "remedy": shortened(fault.remedy, MOST_CHARACTERS),
                **({} if fault.value is None else {"value": shortened(fault.value)}),
            }
            for fault in faults[:MOST_FAULTS]
        ]
    more = more or max(0, len(faults) - MOST_FAULTS)
    if more:
        document["more_errors"] = more
    return document


class RequestError(PointsmanError):
    """The request asks for something that cannot be done as asked."""

    status = 422
    code = "invalid-request"
    title = "The request is not valid"


class MalformedRequest(RequestError):
    """The request cannot be read at all."""

    status = 400
    code = "malformed-request"
    title = "The request cannot be read"


class InvalidCursor(RequestError):
    """The history cursor was not made by this API."""

    status = 400
    code = "invalid-cursor"
    title = "The cursor is not valid"


class PayloadTooLarge(RequestError):
    """The prompt or the body is larger than the limit."""

    status = 413
    code = "payload-too-large"
    title = "The prompt is too large"


class UnknownConfig(RequestError):
    """No router config has this name."""

    code = "unknown-config"
    title = "There is no such config"


class UnknownModel(RequestError):
    """No model of the registry, or of the decision, has this id."""

    code = "unknown-model"
    title = "There is no such model"


class UnknownEffort(RequestError):
    """No model that could be asked has this effort."""

    code = "unknown-effort"
    title = "There is no such effort"


class NoCandidate(RequestError):
    """No candidate of the config can serve the prompt at all."""

    code = "no-candidate"
    title = "No candidate can serve this prompt"


class NotFound(PointsmanError):
    """There is no such decision or page."""

    status = 404
    code = "not-found"
    title = "Not found"


class AccessError(PointsmanError):
    """Who calls is not let in, or not for this."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NoToken(AccessError):
    """The request has no bearer token."""

    status = 401
    code = "no-token"
    title = "A token is needed"
    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}

    def __init__(self) -> None:
        super().__init__("The API asks for a token. Send the header Authorization: Bearer TOKEN.")


class BadToken(AccessError):
    """The token is unknown, expired or revoked."""

    code = "bad-token"
    title = "The token is not accepted"

    def __init__(self) -> None:
        super().__init__("The token is not accepted. Use one that was issued here and is still valid.")


class Forbidden(AccessError):
    """The token is good, and lacks the scope for this."""


class WrongHost(AccessError):
    """The request names another host than this server."""

    status = 421
    code = "wrong-host"
    title = "The request is for another server"


class TooManyRequests(AccessError):
    """The quota of a token is used up for this minute."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, per_minute: int, wait_s: int) -> None:
        super().__init__(f"This token may ask {per_minute:,} times a minute. Try again in {wait_s} s.")
        self.headers = {"retry-after": str(wait_s)}


class HistoryUnavailable(PointsmanError):
    """The history cannot be read or written now."""

    status = 503
    code = "history-unavailable"
    title = "The history is unavailable"

    def __init__(self, detail: str, *, final: bool = False, denied: bool = False, restart: bool = False) -> None:
        """`final`: the store has tried again itself, or knows that trying again would not help; `denied`: by a role.

        `restart`: it stays so until the process is started anew.
        """
        super().__init__(detail)
        self.final, self.denied, self.restart = final, denied, restart

    @property
    def told(self) -> str:
        """What a client needs to know; the path and the cause are for the operator's log."""
        if self.restart:
            return (
                "The history's file is not the one that was opened, or could not be opened. Nothing is written to it "
                "until the server is restarted; decisions are in the server's log."
            )
        return "The history cannot be read or written now. Try again later."


class Overloaded(PointsmanError):
    """More is asked for than this process can serve; it may be asked again in a second."""

    status = 503
    code = "overloaded"
    title = "Too many requests at once"


class ServiceError(PointsmanError):
    """The running service that the command line asked refused, or did not answer as one."""

    status = 502
    code = "service"
    title = "The service did not answer"


class StartupError(PointsmanError):
    """The operator must mend something before anything is served."""

    code = "startup"
    title = "Pointsman cannot start"


class RegistryError(StartupError):
    """The registry has faults; `faults` lists every one of every file."""

    code = "registry"
    title = "The registry is not valid"


class ArtifactError(StartupError):
    """The artifact is missing, damaged, or does not fit together."""

    code = "artifact"
    title = "The artifact cannot be used"


class SettingsError(StartupError):
    """An environment variable has a value that makes no sense."""

    code = "settings"
    title = "The settings are not valid"


class TokensError(StartupError):
    """The document of the bearer tokens, or what is to be added to it, is not valid."""

    code = "tokens"
    title = "The tokens are not valid"


class ServerError(StartupError):
    """The server cannot listen where it was asked to."""

    code = "server"
    title = "The server cannot start"
