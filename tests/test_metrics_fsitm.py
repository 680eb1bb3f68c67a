import math

import numpy as np
import pytest

from metrics.fsitm import (
    band_filters,
    coarse_weight,
    even_response,
    fsitm,
    log_codes,
    phase,
    spectrum,
)
from system.errors import InputError


def literal_phase(picture, wavelength, ratio):
    """Phase as it is defined: four complex filters over the whole frequency plane."""

    def axis(n):
        k = np.arange(n) - n // 2
        return np.fft.ifftshift(k / n if n % 2 == 0 else k / (n - 1))

    x, y = np.meshgrid(axis(picture.shape[1]), axis(picture.shape[0]))
    r, theta = np.hypot(x, y), np.arctan2(-y, x)
    lowpass = 1 / (1 + (r / 0.45) ** 30)
    r[0, 0] = 1
    even, odd = 0, []
    for angle in (0, np.pi / 2):
        d = np.abs(np.angle(np.exp(1j * (theta - angle))))
        total = 0
        for scale in (wavelength, wavelength * ratio):
            g = np.exp(-(np.log(r * scale) ** 2) / (2 * np.log(0.65) ** 2)) * lowpass
            g[0, 0] = 0
            total = total + np.fft.ifft2(np.fft.fft2(picture) * g * (1 + np.cos(d)) / 2)
        even = even + total.real
        odd.append(total.imag)
    return np.arctan2(even, np.hypot(*odd))


@pytest.mark.parametrize("shape", [(32, 48), (33, 47), (32, 47), (33, 48), (2, 3)])
@pytest.mark.parametrize("band", [(2, 2), (8, 8)])
def test_phase_is_that_of_the_complex_filters(shape, band):
    picture = np.random.default_rng(0).random(shape) * 255
    transform, filters = spectrum(picture), band_filters(shape, *band)
    expected = literal_phase(picture, *band)
    assert np.abs(phase(transform, filters, shape) - expected).max() < 1e-9
    even = even_response(transform, filters, shape)
    assert np.array_equal(even > 0, expected > 0)


def test_phase_of_a_line_and_of_an_edge():
    line = np.zeros((64, 64))
    line[:, 32] = 1
    filters = band_filters(line.shape, 8, 8)
    assert phase(spectrum(line), filters, line.shape)[:, 32] == pytest.approx(math.pi / 2, abs=0.01)
    edge = np.zeros((65, 64))
    edge[:, 16:48] = 1
    filters = band_filters(edge.shape, 8, 8)
    left, right = phase(spectrum(edge), filters, edge.shape)[32, 15:17]
    assert -1.0 < left < 0 < right < 1.0


def test_constant_picture_has_no_response():
    filters = band_filters((30, 41), 2, 2)
    assert not even_response(spectrum(np.full((30, 41), 0.1)), filters, (30, 41)).any()


@pytest.mark.parametrize(
    ("pixels", "weight"),
    [(524287, 0), (524288, 1 / 2), (786431, 1 / 2), (786432, 2 / 3), (1920 * 1080, 6 / 7)],
)
def test_coarse_weight(pixels, weight):
    assert coarse_weight(pixels) == pytest.approx(weight)


def test_log_codes():
    channel = np.array([[0.0, 1, math.e**2, math.e**4, 10 ** (4 * math.log10(math.e) * 0.2499)]])
    assert log_codes(channel).tolist() == [[0, 0, 128, 255, 64]]
    assert not log_codes(np.array([[0.0, 3.0]])).any()


def pictures(shape=(64, 80), seed=0, contrast=1.0):
    rng = np.random.default_rng(seed)
    hdr = np.exp(rng.normal(0, contrast, (*shape, 3)))
    log = np.log(hdr)
    sdr = np.rint(255 * (log - log.min()) / (log.max() - log.min())).astype(np.uint8)
    return hdr, sdr


def test_logarithm_scores_one_its_negative_zero_and_noise_a_half():
    hdr, sdr = pictures()
    assert fsitm(hdr, sdr).mean > 0.99
    assert fsitm(hdr, 255 - sdr).mean < 0.01
    assert fsitm(hdr, pictures(seed=1)[1]).mean == pytest.approx(0.5, abs=0.03)


def test_large_picture_by_the_definition():
    """Half a mega-pixel: coarse phase of the linear HDR, fine phase of its 8-bit logarithm."""
    hdr, sdr = pictures((512, 1024), seed=2)
    wave = 2 * np.sin(np.arange(1024) * (2 * np.pi / 64))[None, :, None]
    hdr *= np.exp(wave)
    hdr[:9, :9] *= -1
    sdr = np.clip(sdr - 40 * wave, 0, 255).astype(np.uint8)
    score = fsitm(hdr, sdr)
    channel, code = np.maximum(hdr[..., 1], 0), sdr[..., 1].astype(float)
    log = log_codes(channel)
    hdr_phase = (literal_phase(channel, 8, 8) + literal_phase(log, 2, 2)) / 2
    sdr_phase = (literal_phase(code, 8, 8) + literal_phase(code, 2, 2)) / 2
    expected = np.mean((hdr_phase > 0) == (sdr_phase > 0))
    assert abs(score.G - expected) <= 2 / channel.size


def test_negative_samples_count_as_zero():
    hdr, sdr = pictures()
    hdr[::7] *= -1
    assert fsitm(hdr, sdr) == fsitm(np.maximum(hdr, 0), sdr)


@pytest.mark.parametrize("value", [0.0, 0.7, -1.0])
def test_constant_channel_is_left_out(value):
    hdr, sdr = pictures((161, 170), contrast=0.2)
    full = fsitm(hdr, sdr)
    hdr[..., 1] = value
    score = fsitm(hdr, sdr)
    assert math.isnan(score.G)
    assert (score.R, score.B) == (full.R, full.B)
    assert score.mean == pytest.approx((full.R + full.B) / 2)


def test_constant_picture_is_refused():
    with pytest.raises(InputError, match="constant"):
        fsitm(np.ones((20, 20, 3)) * [1, 2, 0], pictures((20, 20))[1])
