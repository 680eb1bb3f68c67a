"""Global operators: the same curve for every pixel.

Each takes H×W×3 linear RGB in any unit and returns H×W×3 uint8 display-encoded RGB,
and raises InputError for another shape, non-finite samples or a black picture.
"""

import cv2
import numpy as np

from metrics.operators.common import (
    GAMMA,
    encode,
    log_average,
    photographic_curve,
    relight,
    run_opencv,
    scaled,
    without_zeros,
)

# Of ward: what the longer side spans, and the display's least and greatest luminance.
FIELD_DEGREES, HISTOGRAM_BINS, DISPLAY_CD_PER_M2 = 60, 100, (1.0, 100.0)


def gamma(hdr):
    """Scale the brightest sample to 1 and encode, nothing else: what a viewer does."""
    rgb, _ = scaled(hdr)
    return encode(rgb)


def logarithmic(hdr):
    """Logarithm of luminance over the log-average: log(1 + L) / log(1 + Lmax).

    T. Stockham, "Image Processing in the Context of a Visual Model", Proc. IEEE 60(7), 1972.
    """
    rgb, luminance = scaled(hdr)
    relative = luminance / log_average(luminance)
    return relight(rgb, luminance, np.log1p(relative) / np.log1p(relative.max()))


def reinhard_global(hdr, key=0.18, white=None):
    """Photographic tone reproduction, global.

    See metrics.operators.common.photographic_curve; equations 1, 2 and 4 of that paper.

    Args:
        hdr: see above.
        key: what the log-average luminance is exposed to, above 0.
        white: exposed luminance that becomes pure white; the brightest pixel's if None.
    """
    rgb, luminance = scaled(hdr)
    exposed = luminance * (key / log_average(luminance))
    white = exposed.max() if white is None else white
    return relight(rgb, luminance, photographic_curve(exposed, white))


def drago(hdr):
    """Adaptive logarithmic mapping, by OpenCV, with the paper's bias.

    F. Drago, K. Myszkowski, T. Annen and N. Chiba, "Adaptive Logarithmic Mapping for
    Displaying High Contrast Scenes", Computer Graphics Forum 22(3), 2003.
    """
    return run_opencv(cv2.createTonemapDrago(GAMMA, saturation=1.0, bias=0.85), hdr)


def reinhard_devlin(hdr):
    """Model of photoreceptors, by OpenCV, adapted to the whole picture.

    OpenCV adapts each pixel to itself by default, which leaves photographs bright and flat.
    E. Reinhard and K. Devlin, "Dynamic Range Reduction Inspired by Photoreceptor
    Physiology", IEEE TVCG 11(1), 2005.
    """
    operator = cv2.createTonemapReinhard(GAMMA, intensity=0.0, light_adapt=0.0, color_adapt=0.0)
    return run_opencv(operator, hdr)


def ward(hdr):
    """Histogram adjustment with a linear ceiling.

    G. Ward Larson, H. Rushmeier and C. Piatko, "A Visibility Matching Tone Reproduction
    Operator for High Dynamic Range Scenes", IEEE TVCG 3(4), 1997, section 4; without its
    models of glare, acuity and color sensitivity, which need absolute luminance.
    """
    rgb, luminance = scaled(hdr)
    # The histogram has one sample per degree.
    shrink = min(1, FIELD_DEGREES / max(luminance.shape))
    size = [max(1, round(side * shrink)) for side in luminance.shape[::-1]]
    adaptation = np.log(without_zeros(cv2.resize(luminance, size, interpolation=cv2.INTER_AREA)))
    counts, edges = np.histogram(adaptation, HISTOGRAM_BINS)
    black, white = DISPLAY_CD_PER_M2
    display_range = np.log(white / black)
    counts = _ceiling(counts.astype(float), (edges[1] - edges[0]) / display_range)
    if counts is None:  # the display holds the scene's range without compression
        return relight(rgb, luminance, luminance / luminance.max())
    cumulative = np.concatenate([[0], counts.cumsum()]) / counts.sum()
    position = np.interp(np.log(without_zeros(luminance)), edges, cumulative)
    target = black * np.exp(display_range * position)
    return relight(rgb, luminance, (target - black) / (white - black))


def _ceiling(counts, share, tolerance=0.025):
    """Trim bins so that nowhere is the display's contrast above the scene's.

    Returns None where trimming leaves nothing: the range needs no compression.
    """
    enough = tolerance * counts.sum()
    while counts.sum() > enough:
        trimmed = np.minimum(counts, share * counts.sum())
        if counts.sum() - trimmed.sum() <= enough:
            return trimmed
        counts = trimmed
    return None
