"""Why a choice was made, in one sentence that a manager understands."""

from collections.abc import Sequence

from pointsman.routing.policy import Choice


def explain(selected: Sequence[str], choice: Choice, threshold: float, margin: float, caution: float, n: int) -> str:
    """One sentence that says why this choice, among n candidates."""
    names = " with ".join(selected)
    verb = "is" if len(selected) == 1 else "are together"
    among = f"of {n} candidates" if n > 1 else "of 1 candidate"
    expected = f"{choice.expected_quality:.0%} expected"
    if caution:
        expected += f", {choice.asked_quality:.0%} at a caution of {caution:g}"
    if choice.reason == "threshold":
        return (
            f"{names} {verb} the cheapest choice {among} that clears the completion threshold: "
            f"{expected}, {threshold:.0%} asked for."
        )
    return (
        f"No choice {among} clears the completion threshold of {threshold:.0%}; {names} {verb} the cheapest "
        f"within {margin * 100:.3g} points of the best: {expected}."
    )
