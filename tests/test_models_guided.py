import numpy as np
import pytest

from models.guided import guided_filter


def test_it_is_the_papers():
    generator = np.random.default_rng(0)
    guide, picture = generator.normal(size=(2, 12, 14))
    slope, offset = np.zeros_like(picture), np.zeros_like(picture)
    for y in range(1, 11):
        for x in range(1, 13):
            own, other = (a[y - 1 : y + 2, x - 1 : x + 2] for a in (guide, picture))
            covariance = (own * other).mean() - own.mean() * other.mean()
            slope[y, x] = covariance / (own.var() + 0.3)
            offset[y, x] = other.mean() - slope[y, x] * own.mean()
    expected = slope[4:7, 4:7].mean() * guide[5, 5] + offset[4:7, 4:7].mean()
    assert guided_filter(guide, picture, 1, 0.3)[5, 5] == pytest.approx(expected)


def test_a_picture_as_its_own_guide_keeps_steps_and_flats():
    step = np.where(np.arange(60) < 30, 0.0, 8.0) * np.ones((40, 1))
    assert np.abs(guided_filter(step, step, 4, 0.5) - step).max() < 0.4
    flat = np.full((20, 20), 3.7)
    assert guided_filter(flat, flat, 4, 0.5) == pytest.approx(flat)


def test_what_the_guide_does_not_have_goes_away():
    generator = np.random.default_rng(1)
    guide = np.where(np.arange(80) < 40, -2.0, 3.0) * np.ones((60, 1))
    noisy = 0.4 + 0.1 * guide + generator.normal(0, 0.05, guide.shape)
    smooth = guided_filter(guide, noisy, 4, 1e-3)
    assert np.abs(smooth - (0.4 + 0.1 * guide)).std() < 0.25 * 0.05


def test_single_precision_is_enough():
    generator = np.random.default_rng(2)
    guide = generator.normal(-15, 2, (90, 70))
    picture = np.tanh(guide / 10) + generator.normal(0, 0.02, guide.shape)
    exact = guided_filter(guide, picture, 4, 1e-3)
    single = guided_filter(guide.astype("f4"), picture.astype("f4"), 4, 1e-3)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, atol=1e-3)
