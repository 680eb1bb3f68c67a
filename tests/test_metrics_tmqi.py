import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from metrics.tmqi import (
    halve,
    naturalness,
    normal_cdf,
    stretch,
    structural_fidelity,
    tmqi,
    window_moments,
)
from system.errors import InputError

GRAY = np.ones(3)


def scene(shape=(176, 192), seed=0):
    """Smooth grey luminance over four decades with grain: H×W×3."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    log = 2 * np.sin(x / 23) + 2 * np.cos(y / 17) + rng.normal(0, 0.1, shape)
    return np.exp(log)[..., None] * GRAY


def tone_mapped(hdr):
    return np.rint(255 * (hdr / hdr.max()) ** 0.45).astype(np.uint8)


def test_unit_of_the_hdr_does_not_matter():
    hdr = scene()
    sdr = tone_mapped(hdr)
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
    sdr = tone_mapped(hdr)
    flat = np.minimum(sdr, 90)
    noisy = np.clip(sdr + np.random.default_rng(1).normal(0, 20, (*sdr.shape[:2], 1)), 0, 255)
    scores = [tmqi(hdr, s).S for s in (sdr, flat, noisy.astype(np.uint8))]
    assert scores[0] > scores[1] + 0.05 and scores[0] > scores[2] + 0.05


@pytest.mark.filterwarnings("error")
def test_opposite_structure_has_no_score():
    hdr = scene()
    score = tmqi(hdr, 255 - tone_mapped(hdr))
    assert math.isnan(score.Q) and math.isnan(score.S)
    assert score.N > 0 and min(score.S_per_scale) < 0


def test_brightness_of_the_hdr_costs_no_digits():
    """Only differences count, so whole numbers moved up by 2^40 must score alike."""
    hdr = np.rint(scene()[..., 0] * 1000)
    hdr = np.minimum(hdr, np.quantile(hdr, 0.6))  # with clipped, exactly flat highlights
    sdr = tone_mapped(hdr).astype(float)
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


def joined(x, y):
    return [np.concatenate(part) for part in zip(*window_moments(x, y), strict=True)]


def literal_moments(x, y):
    """Two-pass moments window by window, in the widest float there is."""
    d = np.arange(-5, 6)
    weight = np.exp(-(d[:, None] ** 2 + d**2) / np.longdouble(4.5))
    weight /= weight.sum()
    x, y = (sliding_window_view(a.astype(np.longdouble), (11, 11)) for a in (x, y))
    x = x - (weight * x).sum((2, 3), keepdims=True)
    y = y - (weight * y).sum((2, 3), keepdims=True)
    return [(weight * a).sum((2, 3)) for a in (x * x, y * y, x * y)]


@pytest.mark.parametrize("shape", [(11, 11), (43, 12), (75, 30)])
def test_moments_against_the_definition(shape):
    rng = np.random.default_rng(1)
    x, y = rng.random(shape) * 2**32, rng.random(shape) * 255
    for got, expected in zip(joined(x, y), literal_moments(x, y), strict=True):
        assert got.shape == (shape[0] - 10, shape[1] - 10)
        assert np.abs(got - expected).max() <= 1e-13 * np.abs(expected).max()


def test_flat_highlight_has_no_contrast():
    rng = np.random.default_rng(2)
    x = rng.random((60, 60)) * 1e9
    x[:, 20:] = 2**32 - 1.0
    y = rng.random((60, 60)) * 255
    var_x, _, cov = joined(x, y)
    flat = np.s_[:, 20:]
    # Squares of 2^32 round in steps of 2048: their difference could not come to this.
    assert np.sqrt(var_x[flat]).max() < 1e-5
    assert np.abs(cov[flat]).max() < 1e-3
    assert np.sqrt(var_x[:, :10]).min() > 1e8


def test_small_contrast_on_a_highlight_stays():
    x = np.full((11, 11), 2.0**32)
    x[5, 5] += 1
    weight = (1 / np.exp(-(np.arange(-5, 6) ** 2) / 4.5).sum()) ** 2
    var_x, _, _ = joined(x, x)
    assert var_x[0, 0] == pytest.approx(weight * (1 - weight), rel=1e-6)


def test_normal_cdf():
    z = np.concatenate([np.linspace(-9, 9, 20011), [-40.0, 40.0, 1e12]])
    expected = [0.5 * math.erfc(-v / math.sqrt(2)) for v in z]
    assert np.abs(normal_cdf(z) - expected).max() < 1e-12


def test_normal_cdf_leaves_its_argument():
    z = np.array([[0.0, 20.0], [-3.0, 1.0]])
    before = z.copy()
    assert normal_cdf(z) == pytest.approx(
        np.array([[0.5, 1.0], [0.0013498980316, 0.8413447460685]]), abs=1e-12
    )
    assert np.array_equal(z, before)
