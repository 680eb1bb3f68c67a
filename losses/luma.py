"""The luminance that TMQI reads."""

import numpy as np
from keras import ops

from standards.srgb import LUMINANCE

CODES = 255.0  # of display codes from 0 to 1


def luminance(rgb):
    """Return the weighted sum of R, G and B (ITU-R BT.709), N×H×W×1 of N×H×W×3."""
    weights = ops.convert_to_tensor(np.array(LUMINANCE, np.float32))
    return ops.sum(rgb * weights, axis=-1, keepdims=True)
