"""Feature similarity index for tone-mapped images (FSITM), alone and joined with TMQI.

H. Ziaei Nafchi, A. Shahkolaei, R. Farrahi Moghaddam and M. Cheriet, "FSITM: A Feature
Similarity Index for Tone-Mapped Images", IEEE Signal Processing Letters 22(8), 2015,
arXiv:1704.05624. The scores are those of the authors' program, quirks included.
"""

from typing import NamedTuple

import numpy as np

from metrics.pair import check_pair
from metrics.phase import band_filters, even_response, phase, spectrum
from metrics.tmqi import tmqi
from system.errors import InputError

FINE, COARSE = (2, 2), (8, 8)  # finest wavelength in pixels, ratio to the next


class FSITM(NamedTuple):
    """Scores of the channels and their mean, 0..1; chance alone gives about 0.5."""

    R: float
    G: float
    B: float
    mean: float


def fsitm(hdr, sdr):
    """Score a tone-mapped picture by the sign of its local phase.

    The paper scores R, G and B apart; their mean is the usual single figure.

    Args:
        hdr: H×W×3 linear RGB in any unit, sides of at least 2. Negative samples count as 0.
        sdr: H×W×3 uint8, display-encoded RGB.

    Returns:
        FSITM(R, G, B, mean). A channel that is constant in the HDR picture (empty, say)
        has nothing to compare: its score is NaN and the mean is that of the others.

    Raises:
        InputError: wrong shape or type, different sizes, a side under 2, non-finite
            samples, or no channel that varies.

    """
    hdr, sdr = check_pair(hdr, sdr, side=2)
    shape, alpha = hdr.shape[:2], coarse_weight(hdr.shape[0] * hdr.shape[1])
    fine = band_filters(shape, *FINE)
    coarse = band_filters(shape, *COARSE) if alpha else None
    scores = [
        _channel_score(np.maximum(hdr[..., c], 0), sdr[..., c], alpha, fine, coarse)
        for c in range(3)
    ]
    if np.isnan(scores).all():
        raise InputError("Every channel of the HDR picture is constant; nothing to compare.")
    return FSITM(*scores, float(np.nanmean(scores)))


def fsitm_tmqi(hdr, sdr):
    """Average of FSITM and TMQI's Q, per channel and for the mean.

    Args, Returns, Raises: as `fsitm`, but sides of at least 161, and NaN throughout
    where `tmqi` gives a NaN score.
    """
    q = tmqi(hdr, sdr).Q
    return FSITM(*((score + q) / 2 for score in fsitm(hdr, sdr)))


def _channel_score(hdr, sdr, alpha, fine, coarse):
    if hdr.min() == hdr.max():
        return float("nan")
    shape = hdr.shape
    log_hdr, sdr_spectrum = spectrum(log_codes(hdr)), spectrum(sdr.astype(np.float64))
    if alpha == 0:  # only the sign of the fine phase counts
        hdr_phase = even_response(log_hdr, fine, shape)
        sdr_phase = even_response(sdr_spectrum, fine, shape)
    else:
        hdr_phase = alpha * phase(spectrum(hdr), coarse, shape)
        hdr_phase += (1 - alpha) * phase(log_hdr, fine, shape)
        sdr_phase = alpha * phase(sdr_spectrum, coarse, shape)
        sdr_phase += (1 - alpha) * phase(sdr_spectrum, fine, shape)
    return float(np.mean((hdr_phase > 0) == (sdr_phase > 0)))


def coarse_weight(pixels):
    """Weight of the coarse phase: 0 up to half a mega-pixel, growing with the size."""
    r = pixels // 2**18
    return 1 - 1 / r if r > 1 else 0.0


def log_codes(channel):
    """Logarithm of an H×W channel stretched to whole codes 0..255, as float64.

    Zeros take the least positive value; the channel must hold one above another.
    """
    floor = channel[channel > 0].min()
    log = np.log(np.maximum(channel, floor))
    low, high = log.min(), log.max()
    if low == high:  # only zeros and one positive value: the logarithm is flat
        return np.zeros_like(log)
    return np.floor((log - low) * (1 / (high - low)) * 255 + 0.5)
