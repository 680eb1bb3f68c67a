"""The network's normalisation, for runtimes that add one number after the other."""

import keras
from keras import ops

from models.layers import EPSILON, MomentNormalization


class SteppedMomentNormalization(MomentNormalization):
    """MomentNormalization whose means are taken along one axis after the other.

    A float32 sum of a million samples that grows one by one loses digits: with
    such sums a TFLite picture of one megapixel was off by up to 4 grey levels.
    Sums along a row and then over the rows have some thousand terms at most.
    """

    def call(self, x):
        """Return the normalised x, of the same shape."""
        centred = x - self._mean(x)
        return centred * ops.rsqrt(self._mean(ops.square(centred)) + EPSILON)

    def _mean(self, x):
        for axis in reversed(self.axes):
            x = ops.mean(x, axis=axis, keepdims=True)
        return x


def with_stepped_moments(network):
    """Return a copy of a keras.Model with the layer above in place; the weights are shared."""

    def replaced(layer):
        if isinstance(layer, MomentNormalization):
            return SteppedMomentNormalization(layer.axes)
        return layer

    return keras.models.clone_model(network, clone_function=replaced, recursive=True)
