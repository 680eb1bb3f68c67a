"""The building blocks of the three branches.

Arrays are N×H×W×C float32. In precision "bfloat16" the products of the convolutions are
bfloat16; weights, moments and the output's convolution and sigmoid stay float32.
"""

import keras
from keras import ops

CHANNELS = 24
NEGATIVE_SLOPE = 0.3
EPSILON = 1e-6
PER_PICTURE = (1, 2)
PER_BATCH = (0, 1, 2)


@keras.saving.register_keras_serializable("iqatm")
class MomentNormalization(keras.layers.Layer):
    """(x - mean) / sqrt(variance + 1e-6), without weights or moving averages.

    Moments are taken over `axes` of the array itself, in training and testing
    alike: PER_PICTURE is the original's instance, PER_BATCH its batch
    normalization. keras.layers.BatchNormalization differs: it tests with
    moving averages.
    """

    def __init__(self, axes, **kwargs):
        super().__init__(**kwargs)
        self.axes = tuple(axes)

    def call(self, x, training=False):
        """Return the normalized x, of the same shape."""
        if training:
            return ops.custom_gradient(self._with_gradient)(x)
        return self._normalized(x)[0]

    def _normalized(self, x):
        """Return the normalized x and the deviations it was divided by."""
        centred = x - self._mean(x)
        deviation = ops.sqrt(self._mean(centred * centred) + EPSILON)
        return centred / deviation, deviation

    def _mean(self, x):
        """Take the mean along one axis after the other.

        A float32 sum over a whole picture that grows sample by sample loses digits: with
        such sums the network's output was up to 0.03 off one in float64 at 3840×2160. Sums
        along a row and then over the rows have some thousand terms at most.
        """
        for axis in reversed(self.axes):
            x = ops.mean(x, axis=axis, keepdims=True)
        return x

    def _with_gradient(self, x):
        """The same with its gradient in closed form: a fifth less time than by the chain
        rule, and only the result is stored for the backward pass.
        """
        y, deviation = self._normalized(x)

        def gradient(*args, upstream=None):
            (dy,) = args if upstream is None else (upstream,)
            return (dy - self._mean(dy) - y * self._mean(dy * y)) / deviation

        return y, gradient

    def compute_output_shape(self, input_shape):
        """The shape does not change."""
        return input_shape

    def get_config(self):
        """Return what rebuilds the layer."""
        return {**super().get_config(), "axes": self.axes}


def convolution(x, channels, size, name, precision="float32"):
    """Convolve with zero "same" padding and the original's initial weights.

    Args:
        x: N×H×W×C.
        channels: of the result.
        size: of the square kernel, in pixels.
        name: of the layer, part of its variables' paths.
        precision: "float32" or "bfloat16", of the products; the variables are float32.

    Returns:
        N×H×W×channels in the given precision.
    """
    return keras.layers.Conv2D(
        channels,
        size,
        padding="same",
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        bias_initializer=keras.initializers.Constant(0.005),
        dtype=_policy(precision),
        name=name,
    )(x)


def conv_block(x, channels, size, axes, name, precision="float32"):
    """Convolution, leaky ReLU 0.3, moment normalization (CL_IN, CL_BN).

    The moments and the result are float32 in either precision.
    """
    x = convolution(x, channels, size, name, precision)
    x = keras.layers.LeakyReLU(negative_slope=NEGATIVE_SLOPE, dtype=_policy(precision))(x)
    return MomentNormalization(axes)(x)


def tri_group(x, name, precision="float32"):
    """Residual block with kernels of 1, 3 and 5 pixels on thirds of the channels (TRI).

    Normalized per picture in every branch, the bot branch included.
    """
    thirds = ops.split(x, 3, axis=-1)
    parts = [
        conv_block(part, CHANNELS // 3, size, PER_PICTURE, f"{name}_{size}x{size}", precision)
        for part, size in zip(thirds, (1, 3, 5), strict=True)
    ]
    merged = keras.layers.Concatenate()(parts)
    return x + conv_block(merged, CHANNELS, 3, PER_PICTURE, f"{name}_merge", precision)


def sigmoid_output(x, name):
    """Bring the channels down to RGB in (0, 1), in float32."""
    return ops.sigmoid(convolution(x, 3, 1, name))


def _policy(precision):
    return "float32" if precision == "float32" else f"mixed_{precision}"
