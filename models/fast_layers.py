"""The layers of the network on maps in strips, see models.fast_strips.

A layer empties the map that it reads: at no time more strips are held than needed.
"""

import numpy as np

from models import fast_kernels as kernels
from models.fast_kernels import THIRD
from models.fast_strips import Map, gathered, spans


def opened(picture, kernel, bias):
    """Return the Map that a branch's first layer makes of an H×W×3 picture."""
    return gathered(opened_strips(picture, kernel, bias))


def opened_strips(picture, kernel, bias):
    """Yield what kernels.opened returns of each strip of the picture."""
    height = len(picture)
    for start, stop in spans(*picture.shape[:2]):
        rows = picture[max(start - 1, 0) : stop + 1]
        outside = (int(start == 0), int(stop == height))
        yield kernels.opened(np.pad(rows, (outside, (0, 0), (0, 0))), kernel, bias)


def convolved(source, kernel, bias):
    """Return the Map that a 3×3 layer makes of a Map."""
    fill = source.mean.astype(np.float32)
    weights = source.folded(kernel, bias)
    return gathered(kernels.convolved(*window, fill, *weights) for window in source.windows())


def tri_group(source, groups, merge):
    """Return the Map of a TRI block of a Map.

    Args:
        source: the Map.
        groups: (kernel, bias) of the 1×1, 3×3 and 5×5 convolution.
        merge: (kernel, bias) of the last one.
    """
    kept = source.strips.copy()
    merged = convolved(_grouped(source, groups), *merge)
    # The sum of the two normalised maps, in units of the second.
    factor = source.scale / merged.scale
    strips = merged.strips
    for _ in range(len(strips)):
        strips.append(kernels.added(kept.popleft(), factor.astype(np.float32), strips.popleft()))
    return Map(strips, source.mean * factor + merged.mean, merged.scale)


def _grouped(source, groups):
    paired, biases = [], []
    for start, (kernel, bias) in zip(range(0, 3 * THIRD, THIRD), groups, strict=True):
        part = slice(start, start + THIRD)
        kernel, bias = Map(None, source.mean[part], source.scale[part]).folded(kernel, bias)
        paired.append(kernels.paired(kernel))
        biases.append(np.tile(bias, 2))
    fill = source.mean.astype(np.float32)
    weights = (*paired, *biases)
    return gathered(kernels.grouped(*window, fill, *weights) for window in source.windows())
