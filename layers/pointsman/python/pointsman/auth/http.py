"""Tokens in HTTP: where they are looked for, and where they may not be. The same on a laptop and behind a gateway."""

from urllib.parse import parse_qsl

SCHEME = "bearer "
TOKEN_NAMES = {"access_token", "api_key", "apikey", "authorization", "token"}


def bearer_of(header: object) -> str | None:
    """The token of an Authorization header: what follows `Bearer`; None where there is none."""
    if not isinstance(header, str) or header[: len(SCHEME)].lower() != SCHEME:
        return None
    return header[len(SCHEME) :].strip() or None


def token_in_query(query: str) -> str | None:
    """What is wrong with a query that holds credentials, in words that do not repeat them; None where it holds none."""
    named = TOKEN_NAMES & {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if not named:
        return None
    return (
        f"{min(named)}: credentials in an address end up in logs. Send the header Authorization: Bearer instead, and "
        "replace a token that was sent this way."
    )
