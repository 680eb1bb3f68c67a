"""TMQI's structural fidelity as a loss, with its own visibility law.

H. Yeganeh, Z. Wang, IEEE TIP 22(2), 2013, equations 1 to 7. The paper of IQATM makes it
differentiable by a stretch of the deviations (losses.ssim, tmqi); here the normal law
stays: what the HDR picture shows must become visible, however faint it is.
"""

from keras import ops

from data.preparation.normalize import GAMMA
from losses.luma import CODES, luminance
from losses.ssim import halve, moments
from standards.tmqi import C1, C2, FREQUENCIES_CPD, HDR_RANGE, SCALE_WEIGHTS, contrast_threshold

EPSILON = 1e-6


def structural_fidelity(shown, source):
    """Return TMQI's S of a batch: the product over five scales, each the mean over all pictures.

    Args:
        shown: N×H×W×3 display-encoded RGB around [0, 1], sides of at least 161.
        source: N×H×W×3, the normalized HDR pictures in domain gamma.
    """
    y = CODES * luminance(shown)
    # No record holds negative samples; their power would be NaN, in the gradient alone.
    x = HDR_RANGE * luminance(ops.maximum(source, 0.0) ** (1 / GAMMA))
    fidelity = 1.0
    for level, (frequency, weight) in enumerate(zip(FREQUENCIES_CPD, SCALE_WEIGHTS, strict=True)):
        if level:
            x, y = halve(x), halve(y)
        mean = ops.mean(_fidelity_map(y, x, contrast_threshold(frequency)))
        # A negative mean has no fractional power: it counts as almost 0.
        positive = mean > EPSILON
        fidelity = fidelity * ops.where(positive, ops.where(positive, mean, 1.0), EPSILON) ** weight
    return fidelity


def _fidelity_map(y, x, visible):
    m = moments(y, x)
    sigma_y = ops.sqrt(ops.maximum(m.variance_a, EPSILON))
    sigma_x = ops.sqrt(ops.maximum(m.variance_b, EPSILON))
    a, b = _seen(sigma_x, visible), _seen(sigma_y, visible)
    visibility = (2 * a * b + C1) / (a**2 + b**2 + C1)
    return visibility * (m.covariance + C2) / (sigma_x * sigma_y + C2)


def _seen(sigma, visible):
    """Probability of seeing a deviation: a normal law of mean u and deviation u/3."""
    z = ops.minimum(sigma * (3 / visible) - 3, 9.0)
    return 0.5 * (1 + ops.erf(z * (0.5**0.5)))
