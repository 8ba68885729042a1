"""Markdown tables: the one place that writes them, for reports, pages of an evaluation, benchmarks and docs."""

from collections.abc import Iterable, Sequence

_RULES = {"l": "---", "r": "--:"}


def head(header: Sequence[str], align: str = "") -> str:
    """The two lines that open a table, for one whose rows come later.

    Args:
        align: `l` or `r` for each column; by default the first is text and the others are numbers.
    """
    places = align or "l" + "r" * (len(header) - 1)
    if len(places) != len(header):
        raise ValueError(f"{len(header)} columns and {len(places)} alignments")
    return f"{row(header)}\n|{'|'.join(_RULES[place] for place in places)}|"


def row(cells: Iterable[object]) -> str:
    """One row. A bar in a cell would end it, so it is escaped; a line break becomes a space."""
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"


def table(header: Sequence[str], rows: Iterable[Iterable[object]], align: str = "") -> str:
    """A whole table, without a line break at its end."""
    return "\n".join([head(header, align), *(row(cells) for cells in rows)])
