"""Output tokens: by candidate and kind of work, with a spread; a limit caps and never raises."""

from dataclasses import dataclass, field
from math import exp

import numpy as np
import pytest
from pointsman.registry import WORK
from pointsman.routing.forecast import (
    LOG_SD,
    UNKNOWN_TOKENS,
    WHOLE_TASK,
    Forecast,
    Lengths,
    fit_lengths,
    forecast,
)

CODING, CHAT = WORK.index("coding"), WORK.index("chat")


@dataclass(frozen=True)
class Writer:
    """A candidate of which only its lengths are known."""

    candidate_id: str
    effort: str | None = None
    output_tokens: dict[str, float] = field(default_factory=dict)


def table(*writers: Writer, among: tuple[Writer, ...] = ()) -> np.ndarray:
    return fit_lengths([*writers, *among]).table(writers)


def test_what_was_measured_is_what_is_expected() -> None:
    tokens = table(Writer("a", output_tokens={"coding": 700.0, "math": 4000.0}))
    assert tokens[CODING, 0] == pytest.approx(700)
    assert tokens[WORK.index("math"), 0] == pytest.approx(4000)


def test_a_kind_that_nobody_measured_of_a_candidate_is_read_off_the_others() -> None:
    long = Writer("long", output_tokens={"coding": 2000.0})
    short = Writer("short", output_tokens={"coding": 200.0, "math": 400.0})
    # Mathematics is twice as long as code; so it is for the one that writes ten times as much.
    assert table(long, short)[WORK.index("math"), 0] == pytest.approx(4000, rel=0.01)


def test_a_candidate_of_which_nothing_is_known_writes_like_its_level() -> None:
    known = (
        Writer("a@low", "low", {"coding": 100.0}),
        Writer("b@low", "low", {"coding": 400.0}),
        Writer("a@max", "max", {"coding": 10_000.0}),
    )
    low, top, other = (table(Writer("c", level), among=known)[CODING, 0] for level in ("low", "max", "xhigh"))
    assert (low, top) == (pytest.approx(200), pytest.approx(10_000))
    assert low < other < top


def test_where_nothing_at_all_is_known_there_is_a_stated_default() -> None:
    assert table(Writer("a")).tolist() == pytest.approx(np.full((len(WORK), 1), UNKNOWN_TOKENS))


def of(
    expected: float,
    limit: int | None = None,
    factor: float = 1.0,
    work: np.ndarray | None = None,
    tokens: np.ndarray | None = None,
) -> Forecast:
    if tokens is None:
        tokens = np.full((len(WORK), 1), expected)
    return forecast(tokens, np.array([expected]), work, factor, limit)


def shares(**kinds: float) -> np.ndarray:
    return np.array([kinds.get(kind, 0.0) for kind in WORK])


def test_the_forecast_is_the_mean_over_the_kinds_of_work_in_a_prompt() -> None:
    tokens = np.full((len(WORK), 1), 100.0)
    tokens[CODING] = 900.0
    assert of(1.0, work=shares(coding=0.5, chat=0.5), tokens=tokens).expected.tolist() == [500]


def test_a_harder_prompt_has_longer_answers() -> None:
    assert of(900.0, factor=1.5).expected.tolist() == [1350]


def test_a_limit_caps_the_forecast_and_never_raises_it() -> None:
    assert of(900.0, limit=100_000).expected.tolist() == [900]
    assert of(900.0, limit=100).expected.tolist() == [100]
    assert of(900.0, limit=100).p90.tolist() == [100]


def test_nine_of_ten_answers_stay_within_the_ninetieth_percentile() -> None:
    drawn = np.random.default_rng(0).lognormal(np.log(900) - LOG_SD**2 / 2, LOG_SD, 100_000)
    assert drawn.mean() == pytest.approx(900, rel=0.02)
    assert (drawn <= of(900.0).p90[0]).mean() == pytest.approx(0.9, abs=0.005)


def test_a_limit_below_what_is_usually_written_may_cut_the_answer_off() -> None:
    drawn = np.random.default_rng(0).lognormal(np.log(900) - LOG_SD**2 / 2, LOG_SD, 100_000)
    for limit in (100, 500, 900, 5000):
        fits = of(900.0, limit=limit).fits
        assert fits is not None
        assert fits[0] == pytest.approx((drawn <= limit).mean(), abs=0.005)
    assert of(900.0).fits is None


def test_a_task_of_many_answers_is_not_cut_off_by_the_limit_of_one() -> None:
    tokens = np.full((len(WORK), 1), 300.0)
    tokens[WHOLE_TASK] = 80_000.0
    whole = of(1.0, limit=1000, work=shares(agentic_coding=1.0), tokens=tokens).fits
    half = of(1.0, limit=1000, work=shares(agentic_coding=0.5, chat=0.5), tokens=tokens).fits
    answer = of(300.0, limit=1000).fits
    assert whole is not None
    assert half is not None
    assert answer is not None
    assert whole[0] == pytest.approx(1.0)
    assert half[0] == pytest.approx(0.5 + 0.5 * answer[0])


def test_the_table_of_a_fit_has_a_column_for_each_candidate() -> None:
    lengths = Lengths(np.zeros(len(WORK)), {None: np.log(100.0), "low": np.log(50.0)})
    tokens = lengths.table([Writer("a"), Writer("b", "low"), Writer("c", None, {"chat": 7.0})])
    assert tokens[CODING].tolist() == pytest.approx([100, 50, 7])
    assert exp(np.log(tokens[CHAT, 2])) == pytest.approx(7)


def test_what_a_kind_needs_is_fitted_from_candidates_that_measured_different_kinds() -> None:
    """Two candidates of one level: one ten times as long as the other, in every kind that either measured."""
    long = Writer("long", "high", {"coding": 10_000.0, "math": 40_000.0})
    short = Writer("short", "high", {"coding": 1000.0, "math": 4000.0})
    lengths = fit_lengths([long, short])
    # A stranger of the level writes what the two do on average (in logs), kind by kind.
    tokens = lengths.table([Writer("new", "high")])
    assert tokens[CODING, 0] == pytest.approx((10_000 * 1000) ** 0.5, rel=0.01)
    assert tokens[WORK.index("math"), 0] == pytest.approx((40_000 * 4000) ** 0.5, rel=0.01)


def test_an_answer_has_at_least_one_token() -> None:
    assert of(0.2).expected.tolist() == [1]


def test_a_harder_prompt_is_cut_off_more_often_by_the_same_limit() -> None:
    work = shares(chat=1.0)
    tokens = np.full((len(WORK), 1), 900.0)
    easy, hard = (of(1.0, limit=900, factor=factor, work=work, tokens=tokens).fits for factor in (1.0, 2.0))
    twice = of(1800.0, limit=900).fits
    assert easy is not None
    assert hard is not None
    assert twice is not None
    assert hard[0] == pytest.approx(twice[0])
    assert hard[0] < easy[0]


def test_a_stranger_is_as_long_as_its_level_also_in_kinds_that_only_others_measured() -> None:
    long, short = Writer("long", "low", {"math": 4000.0}), Writer("short", None, {"coding": 200.0, "math": 400.0})
    # Mathematics is twice as long as code.
    assert table(Writer("new", "low"), among=(long, short))[CODING, 0] == pytest.approx(2000, rel=0.01)
