"""Colour differences of the original's losses.

Pictures are N×H×W×3 float32 RGB around [0, 1]; every function is
differentiable and finite, with finite gradients, for any finite input.

IPT: F. Ebner, M. D. Fairchild, "Development and testing of a color space
(IPT) with improved hue uniformity", 1998. ICtCp: ITU-R BT.2100; ΔE_ITP:
ITU-R BT.2124. The original puts the power 0.43 where ICtCp has PQ.
"""

import numpy as np
from keras import ops

MIN_VALUE = 1e-6
LMS_POWER = 0.43

# Rows X, Y, Z: BT.709, and the camera of M. D. Fairchild's HDR Photographic Survey.
RGB_TO_XYZ = {
    "709": [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
    "fairchild_nikon_d2x": [
        [0.4024, 0.4610, 0.0871],
        [0.1904, 0.7646, 0.0450],
        [-0.0249, 0.1264, 0.9873],
    ],
}
XYZ_TO_LMS_IPT = [[0.4002, 0.7076, -0.0808], [-0.2263, 1.1653, 0.0457], [0.0, 0.0, 0.9182]]
XYZ_TO_LMS_ITP = [[0.3592, 0.6976, -0.0358], [-0.1922, 1.1004, 0.0755], [0.0070, 0.0749, 0.8434]]
LMS_TO_IPT = [[0.4, 0.4, 0.2], [4.4550, -4.8510, 0.3960], [0.8056, 0.3572, -1.1628]]
LMS_TO_ITP = [[0.5, 0.5, 0.0], [1.6137, -3.3234, 1.7097], [4.3780, -4.2455, -0.1325]]


def rgb_to_xyz(rgb, primaries="709"):
    """Return CIE XYZ of linear RGB, at least 1e-6; `primaries` is a key of RGB_TO_XYZ."""
    return ops.maximum(_rows(rgb, RGB_TO_XYZ[primaries]), MIN_VALUE)


def rgb_to_ipt(rgb, primaries="709"):
    """Return I, P, T along the last axis."""
    return _rows(_compressed_lms(rgb, primaries, XYZ_TO_LMS_IPT), LMS_TO_IPT)


def rgb_to_itp(rgb):
    """Return I, Ct, Cp along the last axis (Ct not yet halved)."""
    return _rows(_compressed_lms(rgb, "709", XYZ_TO_LMS_ITP), LMS_TO_ITP)


def delta_e_itp(a, b):
    """Return the mean ΔE_ITP of two pictures: sqrt(ΔI² + (ΔCt/2)² + ΔCp²)."""
    difference = rgb_to_itp(a) - rgb_to_itp(b)
    weights = ops.convert_to_tensor(np.array([1.0, 0.25, 1.0], np.float32))
    return ops.mean(_root(ops.sum(weights * difference**2, axis=-1)))


def delta_hue_ipt(a, b, primaries_a="709", primaries_b="fairchild_nikon_d2x"):
    """Return the mean difference of the hue angles atan(P / (T + 1e-6)) in IPT.

    The angle lives on a half circle: a hue and its complement are the same.
    """
    return ops.mean(ops.abs(_hue(rgb_to_ipt(a, primaries_a)) - _hue(rgb_to_ipt(b, primaries_b))))


def _rows(pixels, matrix):
    """Multiply each pixel with a 3×3 matrix given by rows."""
    return ops.matmul(pixels, ops.convert_to_tensor(np.array(matrix, np.float32).T))


def _compressed_lms(rgb, primaries, xyz_to_lms):
    """LMS^0.43, at least 1e-6, as which LMS of 0 and below counts too: it has no power."""
    lms = _rows(rgb_to_xyz(rgb, primaries), xyz_to_lms)
    positive = lms > 0
    power = ops.where(positive, lms, 1.0) ** LMS_POWER
    return ops.where(positive, ops.maximum(power, MIN_VALUE), MIN_VALUE)


def _hue(ipt):
    return _angle(ipt[..., 1], ipt[..., 2])


def _angle(y, x):
    """atan(y / (x + 1e-6)), written so that no quotient overflows on the way back.

    Where y and x + 1e-6 both vanish the angle has no gradient; it gets zero.
    """
    x = x + MIN_VALUE
    y, x = ops.where(x < 0, -y, y), ops.abs(x)
    defined = ops.maximum(ops.abs(y), x) > 1e-12
    free = ops.arctan2(ops.where(defined, y, 0.0), ops.where(defined, x, 1.0))
    return ops.where(defined, free, ops.stop_gradient(ops.arctan2(y, x)))


def _root(square):
    """Square root with a zero gradient at 0."""
    positive = square > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, square, 1.0)), 0.0)
