"""Local phase of a picture from log-Gabor filters.

P. Kovesi, "Image Features from Phase Congruency", Videre 1(3), 1999, without its noise
threshold; two scales and two orientations, as FSITM takes it.
"""

import math

import numpy as np

BANDWIDTH = 0.65  # sigmaOnf: spread of a log-Gabor filter on its centre frequency
CUTOFF, ORDER = 0.45, 15  # Butterworth low-pass, cycles per pixel


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
