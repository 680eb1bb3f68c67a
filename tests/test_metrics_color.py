import math

import numpy as np
import pytest

from metrics.color import chromaticity_at, color_fidelity, decode_srgb, lab_ab

WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def scene(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((40, 50, 3)) * np.exp(rng.normal(0, 2, (40, 50, 1)))


def encode_srgb(linear):
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve).astype(np.uint8)


def faithful(hdr, luminance=0.3):
    return encode_srgb(chromaticity_at(hdr, np.full(hdr.shape[:2], luminance)))


def test_decoding_matches_the_standard():
    assert decode_srgb(np.array([0, 10, 11, 128, 255])) == pytest.approx(
        [0, 0.003035270, 0.003346536, 0.215860501, 1], abs=1e-9
    )
    codes = np.arange(256)
    assert np.array_equal(encode_srgb(decode_srgb(codes)), codes)


def test_lab_of_the_primaries():
    """Published CIELAB values of the sRGB primaries, to the digits the 4-digit matrix allows."""
    expected = [[80.09, 67.20], [-86.18, 83.18], [79.19, -107.86]]
    assert lab_ab(np.eye(3)[None])[0] == pytest.approx(np.array(expected), abs=0.08)
    grey = np.linspace(0, 1, 30)[:, None, None] * np.ones(3)
    assert np.abs(lab_ab(grey)).max() < 1e-12


def test_own_colours_score_full_marks():
    hdr = scene()
    score = color_fidelity(hdr, faithful(hdr))
    assert score.correlation > 0.9999
    assert score.chroma_ratio == pytest.approx(1, abs=0.002)
    assert score.cast < 0.03 and score.distance < 0.5


def test_unit_of_the_hdr_does_not_matter():
    hdr = scene()
    expected = color_fidelity(hdr, faithful(hdr))
    assert color_fidelity(hdr * 4096, faithful(hdr)) == pytest.approx(expected, rel=1e-9)


def test_grey_picture_of_a_coloured_scene():
    hdr = scene()
    sdr = np.full(hdr.shape, 128, np.uint8)
    reference = lab_ab(chromaticity_at(hdr, decode_srgb(sdr) @ WEIGHTS))
    score = color_fidelity(hdr, sdr)
    assert score.correlation == 0
    assert score.chroma_ratio == pytest.approx(0, abs=1e-9)
    assert score.cast == pytest.approx(np.hypot(*reference.mean((0, 1))), rel=1e-6)
    assert score.distance == pytest.approx(np.hypot(*reference.reshape(-1, 2).T).mean(), rel=1e-6)


def test_grey_scene_has_no_correlation_but_a_cast():
    grey = np.random.default_rng(0).random((30, 30, 1)) * np.ones(3)
    sdr = faithful(grey)
    score = color_fidelity(grey, sdr)
    assert math.isnan(score.correlation) and math.isnan(score.chroma_ratio)
    assert score.cast == pytest.approx(0, abs=1e-9)
    assert color_fidelity(grey, sdr + np.array([20, 0, 0], np.uint8)).cast > 5


def test_half_and_opposite_chroma():
    hdr = scene()
    own = chromaticity_at(hdr, np.full((40, 50), 0.3))
    pale = color_fidelity(hdr, encode_srgb(0.3 + 0.5 * (own - 0.3)))
    assert pale.correlation > 0.97 and 0.3 < pale.chroma_ratio < 0.6
    opposite = color_fidelity(hdr, encode_srgb(np.maximum(0.3 - 0.2 * (own - 0.3), 0)))
    assert opposite.correlation < -0.9


def test_chromaticity_at_keeps_luminance_hue_and_gamut():
    hdr = scene()
    luminance = np.random.default_rng(1).random((40, 50))
    shown = chromaticity_at(hdr, luminance)
    assert shown.min() >= 0 and shown.max() <= 1 + 1e-12
    assert shown @ WEIGHTS == pytest.approx(luminance, abs=1e-12)
    # Same direction from grey in linear RGB, and not shortened where there was room.
    wanted = hdr * (luminance / (hdr @ WEIGHTS))[..., None] - luminance[..., None]
    got = shown - luminance[..., None]
    assert np.cross(wanted, got) == pytest.approx(0, abs=1e-9)
    inside = (wanted + luminance[..., None]).max(2) <= 1
    assert 0.1 < inside.mean() < 0.9
    assert got[inside] == pytest.approx(wanted[inside], abs=1e-12)
    assert shown[~inside].max(1) == pytest.approx(1, abs=1e-12)


def test_black_scene_pixels_are_grey():
    hdr = np.array([[[0.0, 0, 0], [-1, -1, -1], [0, 1, 0]]])
    shown = chromaticity_at(np.maximum(hdr, 0), np.full((1, 3), 0.25))
    assert shown[0, :2].tolist() == [[0.25] * 3] * 2
    assert color_fidelity(hdr, np.full((1, 3, 3), 90, np.uint8)).distance > 1
