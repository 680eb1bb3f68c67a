import cv2
import keras
import numpy as np
import pytest

from standards.guided import guided_filter


def filtered(guide, picture, radius, edge):
    """Filter H×W arrays."""
    return guided_filter(guide[..., None], picture[..., None], radius, edge)[..., 0]


def filtered_as_tensors(guide, picture, radius, edge):
    guide, picture = (keras.ops.convert_to_tensor(x[None, ..., None]) for x in (guide, picture))
    return np.asarray(guided_filter(guide, picture, radius, edge))[0, ..., 0]


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
    assert filtered(guide, picture, 1, 0.3)[5, 5] == pytest.approx(expected)


def test_a_picture_as_its_own_guide_keeps_steps_and_flats():
    step = np.where(np.arange(60) < 30, 0.0, 8.0) * np.ones((40, 1))
    assert np.abs(filtered(step, step, 4, 0.5) - step).max() < 0.4
    flat = np.full((20, 20), 3.7)
    assert filtered(flat, flat, 4, 0.5) == pytest.approx(flat)


def test_what_the_guide_does_not_have_goes_away():
    generator = np.random.default_rng(1)
    guide = np.where(np.arange(80) < 40, -2.0, 3.0) * np.ones((60, 1))
    noisy = 0.4 + 0.1 * guide + generator.normal(0, 0.05, guide.shape)
    smooth = filtered(guide, noisy, 4, 1e-3)
    assert np.abs(smooth - (0.4 + 0.1 * guide)).std() < 0.25 * 0.05


@pytest.mark.parametrize("filtering", [filtered, filtered_as_tensors])
def test_single_precision_is_enough_far_from_zero(filtering):
    generator = np.random.default_rng(2)
    guide = generator.normal(-1500, 2e-3, (90, 70))
    guide[:, 35:] += 3
    picture = generator.normal(0.5, 0.02, guide.shape) + 0.01 * (guide + 1500)
    guide, picture = guide.astype("f4"), picture.astype("f4")
    exact = filtered(guide.astype("f8"), picture.astype("f8"), 4, 1e-5)
    single = filtering(guide, picture, 4, 1e-5)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=0, atol=2e-4)


@pytest.mark.parametrize(("height", "width"), [(33, 41), (7, 30), (1, 5)])
@pytest.mark.parametrize("radius", [1, 4, 11, 50])
def test_borders_are_mirrored_as_often_as_a_window_needs(height, width, radius):
    generator = np.random.default_rng(radius)
    guide = np.where(np.arange(width) < 20, -9, 0) + generator.normal(0, 0.1, (height, width))
    picture = generator.random((height, width))

    def box(x):
        padded = np.pad(x, radius, mode="symmetric")
        return cv2.blur(padded, (2 * radius + 1,) * 2)[radius:-radius, radius:-radius]

    mean_guide, mean = box(guide), box(picture)
    variance = box(guide**2) - mean_guide**2
    slope = (box(guide * picture) - mean_guide * mean) / (variance + 1e-3)
    expected = box(slope) * guide + box(mean - slope * mean_guide)
    np.testing.assert_allclose(filtered(guide, picture, radius, 1e-3), expected, atol=1e-9)
    found = filtered_as_tensors(guide.astype("f4"), picture.astype("f4"), radius, 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-4)
