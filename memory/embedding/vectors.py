"""Vectors of unit length."""

import numpy as np
from numpy.typing import NDArray

from memory.engines.base import Vector


def unit(raw: NDArray[np.float32]) -> Vector:
    """`raw` at length 1; what has no direction (an empty text's zeros) points along the first axis, since engines take
    unit vectors only."""
    length = np.sqrt(raw @ raw)
    if not np.isfinite(length) or length == 0:
        still = np.zeros_like(raw)
        still[0] = 1
        return still
    vector: Vector = raw / length
    return vector
