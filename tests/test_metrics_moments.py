import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from metrics.moments import window_moments
from metrics.normal_cdf import normal_cdf


def whole(x, y):
    return [np.concatenate(part) for part in zip(*window_moments(x, y), strict=True)]


def literal(x, y):
    """Two-pass moments window by window, in the widest float there is."""
    d = np.arange(-5, 6)
    weight = np.exp(-(d[:, None] ** 2 + d**2) / np.longdouble(4.5))
    weight /= weight.sum()
    x, y = (sliding_window_view(a.astype(np.longdouble), (11, 11)) for a in (x, y))
    x = x - (weight * x).sum((2, 3), keepdims=True)
    y = y - (weight * y).sum((2, 3), keepdims=True)
    return [(weight * a).sum((2, 3)) for a in (x * x, y * y, x * y)]


@pytest.mark.parametrize("shape", [(11, 11), (43, 12), (75, 30)])
def test_against_the_definition(shape):
    rng = np.random.default_rng(1)
    x, y = rng.random(shape) * 2**32, rng.random(shape) * 255
    for got, expected in zip(whole(x, y), literal(x, y), strict=True):
        assert got.shape == (shape[0] - 10, shape[1] - 10)
        assert np.abs(got - expected).max() <= 1e-13 * np.abs(expected).max()


def test_flat_highlight_has_no_contrast():
    rng = np.random.default_rng(2)
    x = rng.random((60, 60)) * 1e9
    x[:, 20:] = 2**32 - 1.0
    y = rng.random((60, 60)) * 255
    var_x, _, cov = whole(x, y)
    flat = np.s_[:, 20:]
    # Squares of 2^32 round in steps of 2048: their difference could not come to this.
    assert np.sqrt(var_x[flat]).max() < 1e-5
    assert np.abs(cov[flat]).max() < 1e-3
    assert np.sqrt(var_x[:, :10]).min() > 1e8


def test_small_contrast_on_a_highlight_is_kept():
    x = np.full((11, 11), 2.0**32)
    x[5, 5] += 1
    weight = (1 / np.exp(-(np.arange(-5, 6) ** 2) / 4.5).sum()) ** 2
    var_x, _, _ = whole(x, x)
    assert var_x[0, 0] == pytest.approx(weight * (1 - weight), rel=1e-6)


def test_normal_cdf():
    z = np.concatenate([np.linspace(-9, 9, 20011), [-40.0, 40.0, 1e12]])
    expected = [0.5 * math.erfc(-v / math.sqrt(2)) for v in z]
    assert np.abs(normal_cdf(z) - expected).max() < 1e-12


def test_normal_cdf_keeps_shape_and_argument():
    z = np.array([[0.0, 20.0], [-3.0, 1.0]])
    kept = z.copy()
    assert normal_cdf(z) == pytest.approx(
        np.array([[0.5, 1.0], [0.0013498980316, 0.8413447460685]]), abs=1e-12
    )
    assert np.array_equal(z, kept)
