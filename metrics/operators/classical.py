"""The classical tone-mapping operators: global ones, a curve for all pixels, then local ones.

Each takes H×W×3 linear RGB in any unit and returns H×W×3 uint8 display-encoded RGB,
and raises InputError for another shape, non-finite samples or a black picture.
"""

from collections.abc import Callable

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
from system.errors import InputError

# Of ward: what the longer side spans, and the display's least and greatest luminance.
FIELD_DEGREES, HISTOGRAM_BINS, DISPLAY_CD_PER_M2 = 60, 100, (1.0, 100.0)
BLUR = 8.0  # pixels; the bilateral filter works on a picture so small that this is its blur
TRACE = 1e-12  # bilateral weight below which a neighborhood counts as empty
# Of the photographic operators, the paper's choices: exposure of the log-average, phi (edges),
# epsilon (contrast that ends the growth of a neighborhood), how many neighborhoods.
KEY, SHARPNESS, THRESHOLD, SCALES = 0.18, 8.0, 0.05, 8
# Of durand, the usual choices: ratio of the brightest to the darkest of the compressed base,
# spatial standard deviation as a share of the longer side, tonal one in decades.
CONTRAST, SPATIAL, TONAL = 5.0, 0.02, 0.4


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


def reinhard_global(hdr, key=KEY, white=None, dtype=np.uint8):
    """Photographic tone reproduction, global.

    See metrics.operators.common.photographic_curve; equations 1, 2 and 4 of that paper.

    Args:
        hdr: see above.
        key: what the log-average luminance is exposed to, above 0.
        white: exposed luminance that becomes pure white; the brightest pixel's if None.
        dtype: of the codes, np.uint8 or np.uint16.
    """
    rgb, luminance = scaled(hdr)
    exposed = luminance * (key / log_average(luminance))
    white = exposed.max() if white is None else white
    return relight(rgb, luminance, photographic_curve(exposed, white), dtype)


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


def reinhard_local(hdr):
    """Photographic tone reproduction with dodging and burning.

    See metrics.operators.common.photographic_curve; equations 1 and 5 to 9 of that paper.
    """
    rgb, luminance = scaled(hdr)
    exposed = luminance * (KEY / log_average(luminance))
    center = _blur(exposed, 1.0)
    adaptation, growing = center.copy(), np.ones(luminance.shape, bool)
    for i in range(SCALES):
        size = 1.6**i
        adaptation[growing] = center[growing]
        surround = _blur(exposed, size * 1.6)
        contrast = (center - surround) / (2**SHARPNESS * KEY / size**2 + center)
        growing &= np.abs(contrast) < THRESHOLD
        center = surround
    return relight(rgb, luminance, exposed / (1 + adaptation))


def _blur(picture, size):
    """Gaussian exp(-r²/(a s)²), a = 1/(2 √2): a standard deviation of a quarter of the size."""
    return cv2.GaussianBlur(picture, (0, 0), size / 4)


def durand(hdr):
    """Compress the base layer of a bilateral filter and keep the detail.

    F. Durand and J. Dorsey, "Fast Bilateral Filtering for the Display of High-Dynamic-Range
    Images", ACM Trans. Graphics 21(3), 2002, sections 5 and 6.
    """
    rgb, luminance = scaled(hdr)
    log = np.log10(without_zeros(luminance))
    base = _bilateral(log, SPATIAL * max(log.shape), TONAL)
    detail = log - base
    span = base.max() - base.min()
    factor = np.log10(CONTRAST) / span if span > 0 else 1.0
    return relight(rgb, luminance, 10 ** ((base - base.max()) * factor + detail))


def mantiuk(hdr):
    """Perceptual contrast compression in the gradient domain, by OpenCV.

    R. Mantiuk, K. Myszkowski and H.-P. Seidel, "A Perceptual Framework for Contrast
    Processing of High Dynamic Range Images", ACM Trans. Applied Perception 3(3), 2006.

    Raises:
        InputError: also for a picture of one pixel or of constant luminance.
    """
    try:
        return run_opencv(cv2.createTonemapMantiuk(GAMMA, scale=0.7, saturation=1.0), hdr)
    except cv2.error as error:
        # It solves for luminance from contrasts and stops where there are none.
        raise InputError("Mantiuk's operator needs a picture whose luminance varies.") from error


def _bilateral(picture, sigma, tonal):
    """Bilateral filter as blurs at a few levels, on a smaller picture, interpolated (section 5)."""
    low, high = picture.min(), picture.max()
    steps = max(1, int(np.ceil((high - low) / tonal)))
    position = (picture - low) / max(high - low, 1e-12) * steps
    # Nearest samples keep the histogram; averages would make levels that edges do not have.
    size = picture.shape[::-1]
    shrink = max(1, sigma / BLUR)
    small_size = [max(1, round(side / shrink)) for side in size]
    small = cv2.resize(picture, small_size, interpolation=cv2.INTER_NEAREST)
    result = np.zeros_like(picture)
    for i in range(steps + 1):
        level = low + (high - low) * i / steps
        weight = np.exp(-((small - level) ** 2) / (2 * tonal**2))
        total = cv2.GaussianBlur(weight * small, (0, 0), sigma / shrink)
        share = cv2.GaussianBlur(weight, (0, 0), sigma / shrink)
        # Far from every sample of this level the weights vanish and the level itself stands.
        filtered = (total + TRACE * level) / (share + TRACE)
        nearness = np.maximum(0, 1 - np.abs(position - i))
        result += nearness * cv2.resize(filtered, size, interpolation=cv2.INTER_LINEAR)
    return result


_ALL = (gamma, logarithmic, ward, reinhard_global, reinhard_local, durand, drago, reinhard_devlin)
OPERATORS: dict[str, Callable] = {function.__name__: function for function in (*_ALL, mantiuk)}
