"""TMQI's structural fidelity as a loss, with its own visibility law.

H. Yeganeh, Z. Wang, IEEE TIP 22(2), 2013, equations 1 to 7. The paper of IQATM makes it
differentiable by a stretch of the deviations (losses.ssim, tmqi); here the normal law
stays: what the HDR picture shows must become visible, however faint it is.
"""

import numpy as np
from keras import ops

from losses.ssim import LEVEL_WEIGHTS, halve, moments

LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
FREQUENCIES = (16.0, 8.0, 4.0, 2.0, 1.0)  # cycles per degree seen by each scale
C1, C2 = 0.01, 10.0
HDR_RANGE = 2.0**32 - 1
CODES = 255.0
SOURCE_POWER = 1 / 0.4545  # linear light from the normalised HDR picture in domain gamma
EPSILON = 1e-6


def structural_fidelity(shown, source):
    """Return TMQI's S of a batch: the product over five scales, each the mean over all pictures.

    Args:
        shown: N×H×W×3 display-encoded RGB around [0, 1], sides of at least 161.
        source: N×H×W×3, the normalised HDR pictures in domain gamma.
    """
    y = CODES * _luminance(shown)
    # No record holds negative samples; their power would be NaN, in the gradient alone.
    x = HDR_RANGE * _luminance(ops.maximum(source, 0.0) ** SOURCE_POWER)
    fidelity = 1.0
    for level, (frequency, weight) in enumerate(zip(FREQUENCIES, LEVEL_WEIGHTS, strict=True)):
        if level:
            x, y = halve(x), halve(y)
        mean = ops.mean(_fidelity_map(x, y, _threshold(frequency)))
        # A negative mean has no fractional power: it counts as almost 0.
        positive = mean > EPSILON
        fidelity = fidelity * ops.where(positive, ops.where(positive, mean, 1.0), EPSILON) ** weight
    return fidelity


def _luminance(rgb):
    weights = ops.convert_to_tensor(np.array(LUMINANCE, np.float32))
    return ops.sum(rgb * weights, axis=-1, keepdims=True)


def _threshold(frequency):
    """Contrast of half visibility in codes; see metrics.tmqi."""
    f = 0.114 * frequency
    sensitivity = 100 * 2.6 * (0.0192 + f) * np.exp(-(f**1.1))
    return float(128 / (1.4 * sensitivity))


def _fidelity_map(x, y, threshold):
    m = moments(x, y)
    sigma_x = ops.sqrt(ops.maximum(m.variance_a, EPSILON))
    sigma_y = ops.sqrt(ops.maximum(m.variance_b, EPSILON))
    a, b = _seen(sigma_x, threshold), _seen(sigma_y, threshold)
    visibility = (2 * a * b + C1) / (a**2 + b**2 + C1)
    return visibility * (m.covariance + C2) / (sigma_x * sigma_y + C2)


def _seen(sigma, threshold):
    """Probability of seeing a deviation: a normal law of mean u and deviation u/3."""
    z = ops.minimum(sigma * (3 / threshold) - 3, 9.0)
    return 0.5 * (1 + ops.erf(z * (0.5**0.5)))
