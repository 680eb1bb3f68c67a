"""Global operators: the same curve for every pixel.

Each takes H×W×3 linear RGB in any unit and returns H×W×3 uint8 display-encoded RGB,
and raises InputError for another shape, non-finite samples or a black picture.
"""

import cv2
import numpy as np

from metrics.operators.display import encode, floored, log_average, relight, scene


def gamma(hdr):
    """Scale the brightest sample to 1 and encode, nothing else: what a viewer does."""
    rgb, _ = scene(hdr)
    return encode(rgb)


def logarithmic(hdr):
    """Logarithm of luminance over the log-average: log(1 + L) / log(1 + Lmax).

    T. Stockham, "Image Processing in the Context of a Visual Model", Proc. IEEE 60(7), 1972.
    """
    rgb, own = scene(hdr)
    relative = own / log_average(own)
    return relight(rgb, own, np.log1p(relative) / np.log1p(relative.max()))


def reinhard_global(hdr, key=0.18, white=None):
    """Photographic tone reproduction, global.

    E. Reinhard, M. Stark, P. Shirley and J. Ferwerda, "Photographic Tone Reproduction for
    Digital Images", ACM Trans. Graphics 21(3), 2002, equations 1, 2 and 4.

    Args:
        hdr: see above.
        key: what the log-average luminance is exposed to, above 0.
        white: exposed luminance shown as pure white; the brightest pixel's if None.
    """
    rgb, own = scene(hdr)
    exposed = own * (key / log_average(own))
    white = exposed.max() if white is None else white
    return relight(rgb, own, exposed * (1 + exposed / white**2) / (1 + exposed))


def ward(hdr, field=60, bins=100, black=1.0, white=100.0):
    """Histogram adjustment with a linear ceiling.

    G. Ward Larson, H. Rushmeier and C. Piatko, "A Visibility Matching Tone Reproduction
    Operator for High Dynamic Range Scenes", IEEE TVCG 3(4), 1997, section 4; without its
    models of glare, acuity and colour sensitivity, which need absolute luminance.

    Args:
        hdr: see above.
        field: degrees the longer side spans; the histogram has one sample per degree.
        bins: of the histogram of log luminance.
        black, white: least and greatest display luminance, cd/m².
    """
    rgb, own = scene(hdr)
    shrink = min(1, field / max(own.shape))
    size = [max(1, round(side * shrink)) for side in own.shape[::-1]]
    adaptation = np.log(floored(cv2.resize(own, size, interpolation=cv2.INTER_AREA)))
    counts, edges = np.histogram(adaptation, bins)
    display_range = np.log(white / black)
    counts = _ceiling(counts.astype(float), (edges[1] - edges[0]) / display_range)
    if counts is None:  # the display holds the scene's range without compression
        return relight(rgb, own, own / own.max())
    cumulative = np.concatenate([[0], counts.cumsum()]) / counts.sum()
    position = np.interp(np.log(floored(own)), edges, cumulative)
    shown = black * np.exp(display_range * position)
    return relight(rgb, own, (shown - black) / (white - black))


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
