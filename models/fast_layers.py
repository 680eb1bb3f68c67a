"""The layers of the network on the maps of models.fast_strips.

A layer empties the map that it reads: at no time more strips are held than needed.
"""

import numpy as np

from models import fast_loops as loops
from models.fast_kernels import THIRD, paired
from models.fast_strips import empty_queue, filled, normalised


def opened(strips, pixels, kernel, bias):
    """Return the Map that a branch's first layer makes of a picture.

    Args:
        strips: iterable of the picture's strips h×W×3.
        pixels: how many they have.
        kernel, bias: of the 3×3 convolution.
    """
    picture, made = filled(strips), empty_queue()
    moments = loops.opened(picture.queue_ref, made.queue_ref, kernel, bias)
    return normalised(made, pixels, moments)


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
    kept = source.shared()
    merged = convolved(_layer(loops.grouped, source, kernels, biases), *merge)
    # The sum of the two normalised maps, in units of the second.
    factor = source.scale / merged.scale
    loops.added(kept.strips.queue_ref, factor.astype(np.float32), merged.strips.queue_ref)
    return merged._replace(mean=source.mean * factor + merged.mean, shift=None)


def projected(source, kernel, bias):
    """Return the H×W×3 float32 array of a 1×1 layer and a sigmoid; it may be read-only."""
    # A view of TensorFlow's memory, which keeps what the maps took; a copy would come on top.
    return np.asarray(loops.projected(source.strips.queue_ref, *source.folded(kernel, bias)))


def projected_sum(first, second, kernel, bias):
    """Return a queue of the strips h×W×3 of the same of the sum of two normalised Maps."""
    strips = empty_queue()
    first_kernel, bias = first.folded(kernel, bias)
    second_kernel, bias = second.folded(kernel, bias)
    queues = (queue.queue_ref for queue in (first.strips, second.strips, strips))
    loops.projected_sum(*queues, first_kernel, second_kernel, bias)
    return strips


def _layer(loop, source, *weights):
    strips = empty_queue()
    moments = loop(source.strips.queue_ref, strips.queue_ref, source.fill, *weights)
    return normalised(strips, source.pixels, moments)
