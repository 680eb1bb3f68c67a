"""Enlarge the bot layer to the picture's size."""

import keras
import numpy as np
from keras import ops

_ROW = np.array([1, 4, 6, 4, 1], np.float32)
BINOMIAL = np.outer(_ROW, _ROW) / 256


@keras.saving.register_keras_serializable("iqatm")
class BinomialUpsample(keras.layers.Layer):
    """Double the sides `times` times; equals cv2.pyrUp.

    Zero insertion, reflect padding by 2, the 5×5 binomial kernel times 4
    (Burt and Adelson, 1983). N×H×W×3 becomes N×(H·2^times)×(W·2^times)×3.
    """

    def __init__(self, times, **kwargs):
        super().__init__(**kwargs)
        self.times = times

    def call(self, x):
        """Return the enlarged x."""
        kernel = np.repeat(4 * BINOMIAL[:, :, None, None], x.shape[-1], axis=2)
        for _ in range(self.times):
            x = ops.pad(_insert_zeros(x), [[0, 0], [2, 2], [2, 2], [0, 0]], mode="reflect")
            x = ops.depthwise_conv(x, ops.cast(kernel, x.dtype), padding="valid")
        return x

    def compute_output_shape(self, input_shape):
        """Multiply height and width by 2^times where they are known."""
        count, height, width, channels = input_shape
        grow = 2**self.times
        return (count, height and height * grow, width and width * grow, channels)

    def get_config(self):
        """Return what rebuilds the layer."""
        return {**super().get_config(), "times": self.times}


def _insert_zeros(x):
    """Put a zero after every sample along height and width.

    One side after the other, with four axes at a time: TFLite pads no more than five.
    """
    _, height, width, channels = ops.shape(x)
    behind = [[0, 0], [0, 0], [0, 1], [0, 0]]
    rows = ops.pad(ops.reshape(x, (-1, height, 1, width * channels)), behind)
    samples = ops.pad(ops.reshape(rows, (-1, height * 2 * width, 1, channels)), behind)
    return ops.reshape(samples, (-1, height * 2, width * 2, channels))
