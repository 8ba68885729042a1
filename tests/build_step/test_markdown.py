"""Tables in Markdown: numbers to the right, and no cell that breaks out of its row."""

import pytest

from artifacts_build.markdown import head, row, table


def test_the_first_column_is_text_and_the_others_are_numbers() -> None:
    assert table(["model", "rows"], [["a", 1], ["b", 2]]) == "| model | rows |\n|---|--:|\n| a | 1 |\n| b | 2 |"


def test_columns_are_aligned_as_asked() -> None:
    assert head(["what", "how", "n"], "llr").splitlines()[1] == "|---|---|--:|"
    with pytest.raises(ValueError, match="3 columns and 2 alignments"):
        head(["a", "b", "c"], "lr")


def test_a_bar_or_a_line_break_stays_in_its_cell() -> None:
    assert row(["a|b", "c\nd"]) == r"| a\|b | c d |"
