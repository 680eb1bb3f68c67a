"""Feature similarity index for tone-mapped images (FSITM).

H. Ziaei Nafchi, A. Shahkolaei, R. Farrahi Moghaddam and M. Cheriet, "FSITM: A Feature
Similarity Index for Tone-Mapped Images", IEEE Signal Processing Letters 22(8), 2015,
arXiv:1704.05624. The scores are those of the authors' program, quirks included.

The local phase is that of P. Kovesi, "Image Features from Phase Congruency", Videre 1(3),
1999, without its noise threshold; two scales and two orientations of log-Gabor filters.
"""

import math
from typing import NamedTuple

import numpy as np

from metrics.pair import check_pair
from system.errors import InputError

FINE, COARSE = (2, 2), (8, 8)  # finest wavelength in pixels, ratio to the next
BANDWIDTH = 0.65  # sigmaOnf: spread of a log-Gabor filter on its center frequency
CUTOFF, ORDER = 0.45, 15  # Butterworth low-pass, cycles per pixel


class FSITM(NamedTuple):
    """Scores of the channels and their mean, 0..1; chance alone gives about 0.5."""

    R: float
    G: float
    B: float
    mean: float


def fsitm(hdr, sdr):
    """Score a tone-mapped picture by the sign of its local phase.

    The paper scores R, G and B apart; their mean is the usual single score.

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
    return FSITM._make([*scores, float(np.nanmean(scores))])


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
    log = np.log(np.maximum(channel, channel[channel > 0].min()))
    low, high = log.min(), log.max()
    if low == high:  # only zeros and one positive value: the logarithm is flat
        return np.zeros_like(log)
    return np.floor((log - low) * (1 / (high - low)) * 255 + 0.5)


def _axis(n):
    """Frequencies of one axis in FFT order; odd sizes reach ±0.5 too, as in the original."""
    return np.fft.ifftshift((np.arange(n) - n // 2) / (n if n % 2 == 0 else n - 1))


def _mirror(values):
    """Value at the opposite frequency."""
    return np.roll(values[::-1, ::-1], 1, axis=(0, 1))


def band_filters(shape, wavelength, ratio):
    """Half-plane filters (even, odd along x, odd along y) of a band, two scales added.

    Of a real picture the even part of a real filter gives the real response and its odd part
    the imaginary one, so real FFTs of half the size do.

    Args:
        shape: (H, W), sides of at least 2.
        wavelength: finest wavelength, pixels.
        ratio: next wavelength over the finest.

    Returns:
        Three arrays H × (W//2 + 1), float64.
    """
    y, x = _axis(shape[0])[:, None], _axis(shape[1])[None, :]
    radius = np.hypot(x, y)
    lowpass = 1 / (1 + (radius / CUTOFF) ** (2 * ORDER))
    radius[0, 0] = 1
    band = sum(
        np.exp(-(np.log(radius * scale) ** 2) / (2 * math.log(BANDWIDTH) ** 2))
        for scale in (wavelength, wavelength * ratio)
    )
    band *= lowpass
    band[0, 0] = 0
    # Angular spread (1 + cos d) / 2, d the angle from 0 or 90 degrees (y points up).
    along_x = band * (1 + x / radius) / 2
    along_y = band * (1 - y / radius) / 2
    half = shape[1] // 2 + 1
    even = along_x + along_y
    parts = (
        (even + _mirror(even)) / 2,
        (along_x - _mirror(along_x)) / 2,
        (along_y - _mirror(along_y)) / 2,
    )
    return tuple(np.ascontiguousarray(part[:, :half]) for part in parts)


def spectrum(channel):
    """Half-plane spectrum of an H×W float64 picture, for `phase` and `even_response`.

    The filters ignore the mean; it goes beforehand so that a constant picture
    has a response of exactly 0 and not of rounding noise.
    """
    return np.fft.rfft2(channel - channel.flat[0])


def even_response(transform, filters, shape):
    """Even (cosine) response, H×W; its sign is that of `phase`."""
    return np.fft.irfft2(transform * filters[0], shape)


def phase(transform, filters, shape):
    """Local phase in -pi/2..pi/2, H×W: pi/2 on a bright line, 0 on an edge.

    Args:
        transform: what `spectrum` returned.
        filters: what `band_filters` returned.
        shape: (H, W) of the picture.
    """
    _, odd_x, odd_y = filters
    turned = transform * -1j
    odd = np.hypot(np.fft.irfft2(turned * odd_x, shape), np.fft.irfft2(turned * odd_y, shape))
    return np.arctan2(even_response(transform, filters, shape), odd)
