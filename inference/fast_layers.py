"""The layers of the network on the maps of inference.fast_strips.

A layer empties the map that it reads: at no time more strips are held than needed.
"""

import numpy as np

from inference import fast_loops as loops
from inference.fast_kernels import THIRD, paired
from inference.fast_strips import empty_queue, normalized


def opened(strips, kernel, bias):
    """Return the Map that a branch's first layer makes of a picture.

    Args:
        strips: iterable of the picture's strips h×W×3.
        kernel, bias: of the 3×3 convolution.
    """
    made, moments, pixels = empty_queue(), 0, 0
    for rows in _with_neighbours(strips):
        sums = loops.opened(rows, made.queue_ref, kernel, bias)
        moments = moments + np.stack(sums)
        pixels += (rows.shape[0] - 2) * rows.shape[1]
    return normalized(made, pixels, moments)


def convolved(source, kernel, bias):
    """Return the Map that a 3×3 layer makes of a Map."""
    return _layer(loops.convolved, source, *source.folded(kernel, bias))


def tri_group(source, groups, merge):
    """Return the Map of a TRI block of a Map.

    Args:
        source: the Map.
        groups: (kernel, bias) of the 1×1, 3×3 and 5×5 convolution.
        merge: (kernel, bias) of the last one.
    """
    kernels, biases = [], []
    for start, (kernel, bias) in zip(range(0, 3 * THIRD, THIRD), groups, strict=True):
        kernel, bias = source.folded(kernel, bias, slice(start, start + THIRD))
        kernels.append(paired(kernel))
        biases.append(np.tile(bias, 2))
    kept = source.coded()
    merged = convolved(_layer(loops.grouped, source, kernels, biases), *merge)
    # The sum of the two normalized maps, in units of the second.
    factor = source.scale / merged.scale
    loops.added(kept.queue_ref, factor.astype(np.float32), merged.strips.queue_ref)
    return merged._replace(mean=source.mean * factor + merged.mean, shift=None)


def projected(source, kernel, bias):
    """Return the H×W×3 float32 array of a 1×1 layer and a sigmoid; it may be read-only."""
    # A view of TensorFlow's memory, which keeps what the maps took; a copy would come on top.
    return np.asarray(loops.projected(source.strips.queue_ref, *source.folded(kernel, bias)))


def also_projected(source, kernel, bias):
    """Return (projections, bias) for projected_sum of a Map, which is not emptied."""
    kernel, bias = source.folded(kernel, bias)
    projections = empty_queue()
    loops.also_projected(source.strips.queue_ref, projections.queue_ref, kernel)
    return projections, bias


def projected_sum(projections, source, kernel, bias):
    """Yield the strips h×W×3 of the same of a Map and one that is projected already."""
    kernel, bias = source.folded(kernel, bias)
    queues = projections.queue_ref, source.strips.queue_ref
    for _ in range(source.strips.size()):
        yield np.asarray(loops.projected_sum(*queues, kernel, bias))


def _with_neighbours(strips):
    """Yield strips with a row of their neighbours above and below, (h + 2)×W×3.

    Beyond the picture there are zeros.
    """
    strips = iter(strips)
    strip = next(strips)
    above = outside = np.zeros_like(strip[:1])
    while strip is not None:
        below = next(strips, None)
        yield np.concatenate([above, strip, outside if below is None else below[:1]])
        above, strip = strip[-1:], below


def _layer(loop, source, *weights):
    strips = empty_queue()
    moments = loop(source.strips.queue_ref, strips.queue_ref, source.fill, *weights)
    return normalized(strips, source.pixels, moments)
