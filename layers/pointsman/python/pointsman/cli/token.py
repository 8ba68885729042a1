"""`pointsman token`: issue, list and revoke bearer tokens in a document, which is then put into the secret.

Only hashes are in the document. Reading and writing the secret is left to AWS's own command line, so that
these commands need no account: docs/tokens.md shows the three lines.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from pointsman.auth.access import DEFAULT_SCOPES, SCOPES
from pointsman.auth.bearer import Document, Entry, issue, rotate, write_document
from pointsman.auth.bearer import revoke as revoked_in
from pointsman.auth.tokens_file import read_tokens
from pointsman.errors import TokensError
from pointsman.instants import HOW, instant_of

_file = click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("tokens.json"),
    show_default=True,
    help="The document.",
)


@click.group()
def token() -> None:
    """Issue, list, rotate and revoke bearer tokens, of a local server or a deployed stack."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help=f"What it is for; may be repeated. [default: {', '.join(DEFAULT_SCOPES)}]",
)
@click.option("--expires", help="ISO 8601 date or time (UTC) from when on it is refused, or never.")
@click.option("--per-minute", type=click.IntRange(1, 1_000_000), help="Requests it may make in a minute.")
@_file
def new(name: str, scopes: tuple[str, ...], expires: str | None, per_minute: int | None, path: Path) -> None:
    """Issue a token for NAME and print it, this once; its hash is added to the document.

    Tokens of the same name stay valid, so callers can change over; then revoke the old one by its id.
    Without --expires it lasts for POINTSMAN_TOKEN_DAYS days, and for ever where that is not set.
    """
    document = read_tokens(path) if path.exists() else Document()
    text, entry = issue(name, _expiry(expires), scopes=scopes or DEFAULT_SCOPES, per_minute=per_minute)
    _write(path, Document((*document.entries, entry)))
    _tell(text, path, entry)


@token.command(name="rotate")
@click.argument("name")
@click.option("--keep-hours", type=click.IntRange(0, 24 * 365), default=168, show_default=True)
@_file
def rotate_(name: str, keep_hours: int, path: Path) -> None:
    """Issue a new token for NAME with the rights of the old, which is refused after --keep-hours."""
    text, document = rotate(read_tokens(path), name, timedelta(hours=keep_hours))
    _write(path, document)
    _tell(text, path, document.entries[-1])


@token.command(name="list")
@_file
def list_(path: Path) -> None:
    """List the tokens of the document: name, id, state and times; never a token itself."""
    now = datetime.now(UTC)
    for entry in read_tokens(path).entries:
        created = f"{entry.created:%Y-%m-%d}" if entry.created else "–"
        expires = f"{entry.expires:%Y-%m-%d %H:%M} UTC" if entry.expires else "never"
        scopes = " ".join(sorted(entry.access.scopes))
        quota = f"  {entry.per_minute:,} a minute" if entry.per_minute else ""
        state = entry.state(now)
        click.echo(f"{entry.name:32} {entry.id}  {state:8} created {created:10}  expires {expires}  {scopes}{quota}")


@token.command()
@click.argument("name")
@click.option("--id", "entry_id", help="Only the token with this id. [default: all of the name]")
@_file
def revoke(name: str, entry_id: str | None, path: Path) -> None:
    """Revoke the tokens of NAME. It takes effect within a minute of putting the document into the secret."""
    before = read_tokens(path)
    after = revoked_in(before, name, entry_id)
    _write(path, after)
    count = sum(1 for old, now in zip(before.entries, after.entries, strict=True) if old != now)
    click.echo(f"{count} token{'' if count == 1 else 's'} revoked in {path}. Put that file into the secret.", err=True)


def _tell(token: str, path: Path, entry: Entry) -> None:
    click.echo(token)
    where = "A local server that uses the file knows it already; on AWS put the file into the secret."
    click.echo(f"{path} has its hash now, under the id {entry.id}. {where}", err=True)


def _expiry(text: str | None) -> datetime | None:
    if text is None:
        from pointsman.settings import load_settings

        days = load_settings().token_days
        return datetime.now(UTC) + timedelta(days=days) if days else None
    if text == "never":
        return None
    try:
        return instant_of(text)
    except ValueError:
        raise TokensError(f"--expires {text!r}: not an ISO 8601 date or time. {HOW}") from None


def _write(path: Path, document: Document) -> None:
    """Replace the file whole, or leave it as it was."""
    scratch = path.with_name(f"{path.name}.new")
    try:
        scratch.write_text(write_document(document), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise TokensError(f"{path}: cannot be written: {error.strerror}.") from None
