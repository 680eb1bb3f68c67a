"""The building blocks of the three branches.

Arrays are N×H×W×C float32. In precision "bfloat16" the maps and the products of the convolutions
are bfloat16; weights, moments and the output's convolution and sigmoid stay float32.
"""

import keras
from keras import ops

from system.compiled import compiled

CHANNELS = 24
NEGATIVE_SLOPE = 0.3
EPSILON = 1e-6
PER_PICTURE = (1, 2)
PER_BATCH = (0, 1, 2)


@keras.saving.register_keras_serializable("iqatm")
class MomentNormalization(keras.layers.Layer):
    """(x - mean) / sqrt(variance + 1e-6) of a leaky ReLU, without weights or moving averages.

    Moments are taken over `axes` of the array itself, in training and testing
    alike: PER_PICTURE is the original's instance, PER_BATCH its batch
    normalization. keras.layers.BatchNormalization differs: it tests with
    moving averages. The ReLU and the result are in x's precision, the rest in float32.

    Args:
        axes: PER_PICTURE or PER_BATCH.
        negative_slope: of the ReLU; 1 leaves it out.
    """

    def __init__(self, axes, negative_slope=1.0, **kwargs):
        super().__init__(**kwargs)
        self.axes = tuple(axes)
        self.negative_slope = negative_slope

    def call(self, x, training=False):
        """Return the normalized x, of the same shape."""
        if training:
            return ops.custom_gradient(self._with_gradient)(x)
        return _normalized(x, self.axes, self.negative_slope)[0]

    def _with_gradient(self, x):
        """The same with its gradient in closed form: only the result is stored for it."""
        y, *moments = compiled(_normalized)(x, self.axes, self.negative_slope)

        def gradient(*args, upstream=None):
            (dy,) = args if upstream is None else (upstream,)
            return compiled(_gradient)(dy, y, *moments, self.axes, self.negative_slope)

        return y, gradient

    def compute_output_shape(self, input_shape):
        """The shape does not change."""
        return input_shape

    def get_config(self):
        """Return what rebuilds the layer."""
        own = {"axes": self.axes, "negative_slope": self.negative_slope}
        return {**super().get_config(), **own}


def _normalized(x, axes, slope):
    """Return the normalized leaky ReLU of x, its means, and the deviations it was divided by."""
    dtype = x.dtype
    x = ops.cast(x if slope == 1 else ops.leaky_relu(x, slope), "float32")
    mean = _mean(x, axes)
    centred = x - mean
    deviation = ops.sqrt(_mean(centred * centred, axes) + EPSILON)
    return ops.cast(centred / deviation, dtype), mean, deviation


def _gradient(dy, y, mean, deviation, axes, slope):
    """Return the gradient of _normalized in x."""
    dtype = y.dtype
    dy, y = ops.cast(dy, "float32"), ops.cast(y, "float32")
    dx = (dy - _mean(dy, axes) - y * _mean(dy * y, axes)) / deviation
    return ops.cast(ops.where(y * deviation + mean > 0, dx, slope * dx), dtype)


def _mean(x, axes):
    """Take the mean along one axis after the other.

    A float32 sum over a whole picture that grows sample by sample loses digits: with
    such sums the network's output was up to 0.03 off one in float64 at 3840×2160. Sums
    along a row and then over the rows have some thousand terms at most.
    """
    for axis in reversed(axes):
        x = ops.mean(x, axis=axis, keepdims=True)
    return x


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

    The moments are float32 in either precision.
    """
    x = convolution(x, channels, size, name, precision)
    return MomentNormalization(axes, NEGATIVE_SLOPE, dtype=_policy(precision))(x)


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
