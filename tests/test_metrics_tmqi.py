import math

import numpy as np
import pytest

from metrics.tmqi import halve, naturalness, stretch, structural_fidelity, tmqi
from system.errors import InputError

GREY = np.ones(3)


def scene(shape=(176, 192), seed=0):
    """Smooth grey luminance over four decades with grain: H×W×3."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    log = 2 * np.sin(x / 23) + 2 * np.cos(y / 17) + rng.normal(0, 0.1, shape)
    return np.exp(log)[..., None] * GREY


def shown(hdr):
    return np.rint(255 * (hdr / hdr.max()) ** 0.45).astype(np.uint8)


def test_unit_of_the_hdr_does_not_matter():
    hdr = scene()
    sdr = shown(hdr)
    for factor in (1e-6, 179.0):
        # The stretch factor is a whole number, so not to the last digit.
        assert tmqi(hdr * factor, sdr)[:3] == pytest.approx(tmqi(hdr, sdr)[:3], abs=1e-6)


def test_stretch():
    assert stretch(np.array([[2.0, 3.0, 6.0]])).tolist() == [[0, 2**30, 4 * 2**30]]
    assert stretch(np.array([[-1.0, 1.0]])).tolist() == [[0, 2**32]]  # 2147483647.5 goes up
    assert stretch(np.array([[0.0, 2.0**34]])).tolist() == [[0, 0]]


def test_constant_hdr_is_refused():
    with pytest.raises(InputError, match="same luminance"):
        tmqi(np.full((161, 161, 3), 0.1), np.zeros((161, 161, 3), np.uint8))


def test_loss_of_structure_costs():
    hdr = scene()
    sdr = shown(hdr)
    flat = np.minimum(sdr, 90)
    noisy = np.clip(sdr + np.random.default_rng(1).normal(0, 20, (*sdr.shape[:2], 1)), 0, 255)
    scores = [tmqi(hdr, s).S for s in (sdr, flat, noisy.astype(np.uint8))]
    assert scores[0] > scores[1] + 0.05 and scores[0] > scores[2] + 0.05


@pytest.mark.filterwarnings("error")
def test_opposite_structure_has_no_score():
    hdr = scene()
    score = tmqi(hdr, 255 - shown(hdr))
    assert math.isnan(score.Q) and math.isnan(score.S)
    assert score.N > 0 and min(score.S_per_scale) < 0


def test_brightness_of_the_hdr_costs_no_digits():
    """Only differences count, so whole numbers moved up by 2^40 must score alike."""
    hdr = np.rint(scene()[..., 0] * 1000)
    hdr = np.minimum(hdr, np.quantile(hdr, 0.6))  # with clipped, exactly flat highlights
    sdr = shown(hdr).astype(float)
    expected = structural_fidelity(hdr, sdr)
    assert structural_fidelity(hdr + 2.0**40, sdr) == pytest.approx(expected, abs=1e-7)


def test_flat_hdr_under_flat_sdr_agrees_fully():
    """Both seen with probability Phi(-3), no contrast: both factors of the map are 1."""
    hdr, sdr = np.full((176, 176), 4e9), np.full((176, 176), 128.0)
    assert structural_fidelity(hdr, sdr) == pytest.approx([1] * 5, abs=1e-6)


def test_invisible_sdr_contrast_on_visible_hdr():
    """p = 1 against Phi(-3), covariance 0: (2p + C1) / (1 + p² + C1) on every scale."""
    p = 0.0013498980316
    hdr = np.random.default_rng(0).random((176, 176)) * 2**32
    assert structural_fidelity(hdr, np.full((176, 176), 128.0)) == pytest.approx(
        [(2 * p + 0.01) / (1 + p * p + 0.01)] * 5, abs=1e-7
    )


def test_halve_repeats_an_odd_edge():
    picture = np.array([[1.0, 2, 3], [5, 6, 7], [9, 10, 11]])
    assert halve(picture).tolist() == [[3.5, 5.0], [9.5, 11.0]]


def test_naturalness_is_one_at_the_typical_picture():
    block = np.repeat([1.0, -1.0], 61)[:121].reshape(11, 11)
    block = (block - block.mean()) / block.std(ddof=1)
    picture = 115.94 + 64.29 * 0.272 * np.tile(block, (3, 4))
    assert naturalness(picture) == pytest.approx(1, abs=1e-12)


def test_naturalness_extremes():
    assert naturalness(np.full((22, 22), 115.0)) == 0
    checkers = np.indices((22, 22)).sum(0) % 2 * 255.0  # contrast beyond the law's range
    assert naturalness(checkers) == 0


def test_partial_blocks_count_their_padding_and_weigh_by_what_shows():
    picture = np.full((11, 12), 100.0)
    visible, blocks = 11, 100 * np.sqrt((11 / 121 - (11 / 121) ** 2) * 121 / 120)
    x = blocks * visible / picture.size / 64.29
    beta = (x / 0.272) ** 3.4 * ((1 - x) / 0.728) ** 9.1
    expected = beta * math.exp(-((100 - 115.94) ** 2) / (2 * 27.99**2))
    assert naturalness(picture) == pytest.approx(expected, rel=1e-12)
    assert expected > 0
