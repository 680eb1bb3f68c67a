"""One layer's way through all strips of a map: TensorFlow graphs, traced once for all sizes.

Maps come and go as handles of the queues of inference.fast_strips. A strip is taken out of
its queue when it is read, so that no more of them are held than needed. Loops that make
the samples of a layer return their sums and sums of squares per channel (float64).
"""

import tensorflow as tf

from inference import fast_kernels as kernels
from inference.fast_kernels import MARGIN, THIRD
from models.layers import CHANNELS


def _floats(*shape):
    return tf.TensorSpec(shape, tf.float32)


QUEUE = tf.TensorSpec((), tf.resource)
VECTOR = _floats(CHANNELS)
STRIP = _floats(None, None, CHANNELS)
CODED = tf.TensorSpec((None, None), tf.uint16), _floats(None), _floats(None), STRIP
PAIRED = [_floats(size, size + 1, THIRD, 2 * THIRD) for size in (1, 3, 5)]
PROJECTION = _floats(1, 1, CHANNELS, 3)


@tf.function(input_signature=[_floats(None, None, 3), QUEUE, _floats(3, 3, 3, CHANNELS), VECTOR])
def opened(rows, target, kernel, bias):
    """Make a strip of a picture's rows, with one more above and below, by a 3×3 kernel."""
    strip = kernels.opened(rows, kernel, bias)
    _put(target, strip)
    return kernels.sums(strip)


@tf.function(input_signature=[QUEUE] * 2 + [VECTOR, _floats(3, 3, CHANNELS, CHANNELS), VECTOR])
def convolved(source, target, fill, kernel, bias):
    """Convolve a map by a 3×3 kernel; beyond the picture it is `fill` per channel."""
    return _layer(source, fill, lambda rows: kernels.convolved(rows, kernel, bias), target)


@tf.function(input_signature=[QUEUE, QUEUE, VECTOR, PAIRED, [_floats(2 * THIRD)] * 3])
def grouped(source, target, fill, paired, biases):
    """Convolve a map's thirds, see kernels.grouped."""
    return _layer(source, fill, lambda rows: kernels.grouped(rows, paired, biases), target)


@tf.function(input_signature=[QUEUE, QUEUE, VECTOR])
def coded(queue, codes, widest):
    """Put the strips of a map into a queue of codes as well, see kernels.coded."""
    _also(queue, codes, lambda strip: kernels.coded(strip, widest))


@tf.function(input_signature=[QUEUE, QUEUE, PROJECTION])
def also_projected(queue, projections, kernel):
    """Put what a 1×1 kernel makes of the strips of a map into another queue."""
    _also(queue, projections, lambda strip: (kernels.projected(strip, kernel),))


@tf.function(input_signature=[QUEUE, VECTOR])
def centred(queue, shift):
    """Subtract `shift` per channel from a map, in its own queue."""

    def step(i, sums, squares):
        strip = _taken(queue) - shift
        _put(queue, strip)
        more = kernels.sums(strip)
        return i + 1, sums + more[0], squares + more[1]

    zeros = tf.zeros(CHANNELS, tf.float64)
    return _repeat(_size(queue), step, 0, zeros, zeros)[1:]


@tf.function(input_signature=[QUEUE, VECTOR, QUEUE])
def added(codes, factor, queue):
    """Add factor per channel · a map's codes to a map, in its own queue."""

    def step(i):
        _put(queue, kernels.added(_taken(queue), factor, *_taken(codes, *CODED)))
        return (i + 1,)

    _repeat(_size(queue), step, 0)


@tf.function(input_signature=[QUEUE, PROJECTION, _floats(3)])
def projected(source, kernel, bias):
    """Return the picture that a 1×1 kernel and a sigmoid make of a map."""
    size = _size(source)
    rows = tf.TensorArray(tf.float32, size, infer_shape=False, element_shape=[None, None, 3])

    def step(i, rows):
        return i + 1, rows.write(i, tf.sigmoid(kernels.projected(_taken(source), kernel) + bias))

    return _repeat(size, step, 0, rows)[1].concat()


@tf.function(input_signature=[QUEUE, QUEUE, PROJECTION, _floats(3)])
def projected_sum(projections, source, kernel, bias):
    """Return the same of a map's next strip, the next projection added before the sigmoid."""
    light = kernels.projected(_taken(source), kernel)
    return tf.sigmoid(_taken(projections, _floats(None, None, 3)) + light + bias)


def _layer(source, fill, made, target):
    """Put made(a strip with its margins filled) into `target` for each strip of `source`."""
    strip, size = _taken(source), _size(source) + 1
    outside = tf.broadcast_to(fill, (MARGIN, tf.shape(strip)[1], CHANNELS))

    def step(i, above, strip, sums, squares):
        below = tf.cond(i + 1 < size, lambda: _taken(source), lambda: outside)
        result = made(kernels.surrounded(above, strip, below[:MARGIN], fill))
        _put(target, result)
        more = kernels.sums(result)
        return i + 1, strip[-MARGIN:], below, sums + more[0], squares + more[1]

    zeros = tf.zeros(CHANNELS, tf.float64)
    shapes = tf.TensorShape([]), strip.shape, strip.shape, zeros.shape, zeros.shape
    return _repeat(size, step, 0, outside, strip, zeros, zeros, shapes=shapes)[3:]


def _also(queue, other, made):
    """Put the tensors made(strip) into another queue for each strip of a map, which stays."""

    def step(i):
        strip = _taken(queue)
        _put(queue, strip)
        _put(other, *made(strip))
        return (i + 1,)

    _repeat(_size(queue), step, 0)


def _repeat(size, step, *state, shapes=None):
    """Return the state after `size` steps, one after the other; its first is their number."""
    return tf.while_loop(lambda i, *_: i < size, step, state, shapes, parallel_iterations=1)


def _taken(queue, *specs):
    """Return what comes next in a queue; a strip if its tensors are not said."""
    specs = specs or [STRIP]
    taken = tf.raw_ops.QueueDequeueV2(handle=queue, component_types=[s.dtype for s in specs])
    taken = [tf.ensure_shape(v, s.shape) for v, s in zip(taken, specs, strict=True)]
    return taken if len(taken) > 1 else taken[0]


def _put(queue, *tensors):
    tf.raw_ops.QueueEnqueueV2(handle=queue, components=tensors)


def _size(queue):
    return tf.raw_ops.QueueSizeV2(handle=queue)
