import math

import numpy as np
import pytest

from metrics.color import color_fidelity, lab_ab
from standards.srgb import luminance, recolor, srgb_decode, srgb_encode


def scene(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((40, 50, 3)) * np.exp(rng.normal(0, 2, (40, 50, 1)))


def codes_of(linear):
    return np.rint(255 * srgb_encode(linear)).astype(np.uint8)


def faithful(hdr):
    return codes_of(recolor(hdr, np.full((*hdr.shape[:2], 1), 0.3)))


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
    reference = lab_ab(recolor(hdr, luminance(srgb_decode(sdr / 255))))
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
    own = recolor(hdr, np.full((40, 50, 1), 0.3))
    pale = color_fidelity(hdr, codes_of(0.3 + 0.5 * (own - 0.3)))
    assert pale.correlation > 0.97 and 0.3 < pale.chroma_ratio < 0.6
    opposite = color_fidelity(hdr, codes_of(np.maximum(0.3 - 0.2 * (own - 0.3), 0)))
    assert opposite.correlation < -0.9


def test_black_scene_pixels_are_gray():
    hdr = np.array([[[0.0, 0, 0], [-1, -1, -1], [0, 1, 0]]])
    gray = np.full((1, 3, 3), 90, np.uint8)
    assert color_fidelity(hdr, gray).distance > 1
    assert color_fidelity(hdr[:, :2], gray[:, :2]).distance == pytest.approx(0, abs=1e-9)
