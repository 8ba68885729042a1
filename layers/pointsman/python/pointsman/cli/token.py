"""`pointsman token`: issue, list and revoke bearer tokens in a document, which is then put into the secret.

Only hashes are in the document. Reading and writing the secret is left to AWS's own command line, so that
these commands need no account: docs/tokens.md shows the three lines.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from pointsman.auth.bearer import Document, issue, read_document, write_document
from pointsman.auth.bearer import revoke as revoked_in
from pointsman.errors import MalformedRequest, TokensError
from pointsman.text_in import text_of

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
    """Issue, list and revoke the bearer tokens of a deployed stack."""


@token.command()
@click.argument("name")
@click.option("--expires", help="ISO 8601 date or time (UTC) from when on it is refused. [default: never]")
@_file
def new(name: str, expires: str | None, path: Path) -> None:
    """Issue a token for NAME and print it, this once; its hash is added to the document.

    Tokens of the same name stay valid, so callers can change over; then revoke the old one by its id.
    """
    document = _read(path) if path.exists() else Document()
    text, entry = issue(name, _instant(expires))
    _write(path, Document((*document.entries, entry)))
    click.echo(text)
    click.echo(f"{path} has its hash now, under the id {entry.id}. Put that file into the secret.", err=True)


@token.command(name="list")
@_file
def list_(path: Path) -> None:
    """List the tokens of the document: name, id, state and times; never a token itself."""
    now = datetime.now(UTC)
    for entry in _read(path).entries:
        created = f"{entry.created:%Y-%m-%d}" if entry.created else "–"
        expires = f"{entry.expires:%Y-%m-%d %H:%M} UTC" if entry.expires else "never"
        click.echo(f"{entry.name:32} {entry.id}  {entry.state(now):8} created {created:10}  expires {expires}")


@token.command()
@click.argument("name")
@click.option("--id", "entry_id", help="Only the token with this id. [default: all of the name]")
@_file
def revoke(name: str, entry_id: str | None, path: Path) -> None:
    """Revoke the tokens of NAME. It takes effect within a minute of putting the document into the secret."""
    before = _read(path)
    after = revoked_in(before, name, entry_id)
    _write(path, after)
    count = sum(1 for old, now in zip(before.entries, after.entries, strict=True) if old != now)
    click.echo(f"{count} token{'' if count == 1 else 's'} revoked in {path}. Put that file into the secret.", err=True)


def _instant(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        raise TokensError(f"--expires {text!r}: not an ISO 8601 date or time. Write one such as 2027-01-31.") from None


def _read(path: Path) -> Document:
    try:
        return read_document(text_of(path.read_bytes(), str(path)))
    except FileNotFoundError:
        raise TokensError(f"{path}: no such file. `pointsman token new` makes it, or name another --file.") from None
    except OSError as error:
        raise TokensError(f"{path}: cannot be read: {error.strerror}.") from None
    except MalformedRequest as error:
        raise TokensError(error.detail) from None
    except TokensError as error:
        raise TokensError(f"{path}: {error.detail}") from None


def _write(path: Path, document: Document) -> None:
    """Replace the file whole, or leave it as it was."""
    scratch = path.with_name(f"{path.name}.new")
    try:
        scratch.write_text(write_document(document), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise TokensError(f"{path}: cannot be written: {error.strerror}.") from None
