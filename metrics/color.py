"""Fidelity of color, to which TMQI and FSITM are blind.

TMQI reads luminance alone and FSITM the sign of a phase: a gray or tinted picture
scores as well as one in the scene's colors. Here the picture is compared with the
scene's own chromaticity at the picture's own luminance, in CIELAB.
"""

from typing import NamedTuple

import numpy as np

from metrics.pair import check_pair
from standards.srgb import LUMINANCE, luminance, recolor, srgb_decode_8bit

# Linear sRGB to CIE XYZ, IEC 61966-2-1.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], LUMINANCE, [0.0193, 0.1192, 0.9505]])
MIN_CHROMA = 1e-6  # less is rounding noise: the 8-bit codes of a gray picture give 1e-13


class ColorFidelity(NamedTuple):
    """Comparison of a and b with the reference's, over the picture.

    correlation: Pearson's, all a and b taken as one sample; 1 for the scene's colors,
        0 for a picture without color.
    chroma_ratio: mean chroma over the reference's; under 1 pale, over 1 garish.
    cast: length of the mean (a, b) difference, CIELAB units; 0 for no tint.
    distance: mean length of the (a, b) difference, CIELAB units.
    """

    correlation: float
    chroma_ratio: float
    cast: float
    distance: float


def color_fidelity(hdr, sdr):
    """Compare the colors of a tone-mapped picture with those of its HDR source.

    Args:
        hdr: H×W×3 linear RGB with BT.709 primaries, any unit. Negative samples count as 0.
        sdr: H×W×3 uint8, sRGB-encoded.

    Returns:
        ColorFidelity(correlation, chroma_ratio, cast, distance). Where the scene has no color
        the first two are NaN; where the scene has but the picture has not, they are 0.

    Raises:
        InputError: wrong shape or type, different sizes, non-finite samples.

    """
    hdr, sdr = check_pair(hdr, sdr, side=1)
    light = srgb_decode_8bit(sdr)
    reference = recolor(np.maximum(hdr, 0), luminance(light))
    ab, reference_ab = lab_ab(light), lab_ab(reference)
    difference = ab - reference_ab
    chroma, reference_chroma = _length(ab).mean(), _length(reference_ab).mean()
    ratio = chroma / reference_chroma if reference_chroma > MIN_CHROMA else np.nan
    return ColorFidelity(
        correlation=_correlation(ab, reference_ab),
        chroma_ratio=float(ratio),
        cast=float(_length(difference.mean(axis=(0, 1)))),
        distance=float(_length(difference).mean()),
    )


def _length(ab):
    return np.hypot(ab[..., 0], ab[..., 1])


def _correlation(ab, reference_ab):
    x, y = ab - ab.mean(), reference_ab - reference_ab.mean()
    if y.std() < MIN_CHROMA:
        return float("nan")
    if x.std() < MIN_CHROMA:
        return 0.0
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def lab_ab(rgb):
    """CIELAB a and b of linear sRGB, white D65: H×W×3 in 0..1 to H×W×2 (CIE 15:2004, 8.2.1)."""
    # The white is RGB (1, 1, 1) itself, so that every grey has a = b = 0.
    t = rgb @ (TO_XYZ / TO_XYZ.sum(axis=1, keepdims=True)).T
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([500 * (x - y), 200 * (y - z)], axis=-1)
