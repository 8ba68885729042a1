"""What to call where the chosen is unavailable: the same policy without it, three deep.

A fallback is one candidate, whatever the size of the chosen set. The same model at another effort is no fallback, since
what takes a model down takes its efforts along; and while there is a candidate of another provider than those of the
chosen, none of theirs is taken.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pointsman.routing.policy import Choice

DEPTH = 3
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]


def fallbacks(
    choose_among: Callable[[Mask], Choice], members: Sequence[int], models: Places, providers: Places
) -> list[tuple[int, Choice]]:
    """Up to three further candidates, in the order they are to be tried, each with its choice.

    Args:
        choose_among: the policy for sets of one among some of n candidates, bool [n].
        members: the places of the chosen.
        models: [n], a number for each model; providers: [n], for each provider.
    """
    left = np.ones(len(models), dtype=bool)
    elsewhere = left.copy()
    for member in members:
        left &= models != models[member]
        elsewhere &= providers != providers[member]
    found: list[tuple[int, Choice]] = []
    for _ in range(DEPTH):
        among = left & elsewhere
        if not among.any():
            among = left
        if not among.any():
            break
        choice = choose_among(among)
        (place,) = choice.members
        left = left & (models != models[place])
        found.append((place, choice))
    return found
