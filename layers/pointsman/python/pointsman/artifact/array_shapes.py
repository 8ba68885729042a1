"""Checking the arrays of a file against the shapes that the code relies on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def checked_arrays(
    arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, Sequence[str | int]], sizes: Mapping[str, int]
) -> dict[str, NDArray[Any]]:
    """The arrays that `shapes` names; a size that is a word is looked up in `sizes`.

    Raises:
        ValueError: an array is missing, has another shape, holds no floats, or something that is not finite.
    """
    for name, shape in shapes.items():
        wanted = tuple(size if isinstance(size, int) else sizes[size] for size in shape)
        if name not in arrays:
            raise ValueError(f"the array {name} is missing")
        if arrays[name].shape != wanted or arrays[name].dtype.kind != "f":
            found = f"{arrays[name].dtype}{list(arrays[name].shape)}"
            raise ValueError(f"the array {name} is {found}, not floats of shape {list(wanted)}")
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"the array {name} holds a value that is not finite")
    return {name: arrays[name] for name in shapes}
