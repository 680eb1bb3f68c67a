"""Difference of gradient magnitudes. The original has it too, in none of its totals.

Kernels of Scharr, Prewitt and Sobel, scaled so that a ramp of slope 1 per
pixel has the gradient 2 under each (the kernels span two pixels).
"""

import numpy as np
from keras import ops

KERNELS = {
    "scharr": np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]], np.float32) / 16,
    "prewitt": np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], np.float32) / 3,
    "sobel": np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32) / 4,
}
EPSILON = 1e-6


def gradient_magnitude(x, operator="scharr"):
    """Return sqrt(gx² + gy² + 1e-6) per channel, N×(H-2)×(W-2)×C, of N×H×W×C.

    `operator` is a key of KERNELS.
    """
    kernel = KERNELS[operator]
    across, down = (_filter(x, k) for k in (kernel, kernel.T))
    return ops.sqrt(across**2 + down**2 + EPSILON)


def gradient_difference(a, b, operator="scharr", norm="l1"):
    """Return the mean absolute ("l1") or squared ("l2") difference of the magnitudes."""
    difference = gradient_magnitude(a, operator) - gradient_magnitude(b, operator)
    return ops.mean(ops.abs(difference) if norm == "l1" else difference**2)


def _filter(x, kernel):
    kernel = np.repeat(kernel[:, :, None, None], x.shape[-1], axis=2)
    return ops.depthwise_conv(x, ops.convert_to_tensor(kernel), padding="valid")
