import numpy as np
import pytest
import tensorflow as tf

from losses.gradient import EPSILON, KERNELS, gradient_difference, gradient_magnitude


def ramp(slope_y, slope_x):
    rows, columns = np.mgrid[0:8, 0:9].astype("f4")
    return np.repeat((slope_y * rows + slope_x * columns)[None, ..., None], 3, axis=-1)


@pytest.mark.parametrize("operator", KERNELS)
@pytest.mark.parametrize(("dy", "dx"), [(0, 1), (2, 0), (3, 4)])
def test_ramp_by_hand(operator, dy, dx):
    magnitude = np.asarray(gradient_magnitude(ramp(dy, dx), operator))
    assert magnitude.shape == (1, 6, 7, 3)
    np.testing.assert_allclose(magnitude, 2 * np.hypot(dy, dx), rtol=1e-5)


@pytest.mark.parametrize(
    ("operator", "expected"), [("scharr", 13 / 16), ("prewitt", 2 / 3), ("sobel", 3 / 4)]
)
def test_corner_by_hand(operator, expected):
    # One quadrant is white: at the pixel before it each kernel sees its lower right 2×2 part.
    picture = np.zeros((1, 3, 3, 1), "f4")
    picture[0, 1:, 2] = 1
    picture[0, 2, 1:] = 1
    magnitude = float(np.asarray(gradient_magnitude(picture, operator)).squeeze())
    assert magnitude == pytest.approx(np.sqrt(2 * expected**2 + EPSILON), rel=1e-5)


def test_difference():
    a, b = ramp(3, 4), ramp(0, 1)
    assert float(gradient_difference(a, b)) == pytest.approx(8, rel=1e-4)
    assert float(gradient_difference(a, b, norm="l2")) == pytest.approx(64, rel=1e-4)
    assert float(gradient_difference(a, a)) == 0


def test_flat_picture_has_a_finite_gradient():
    flat = tf.ones((1, 8, 8, 3))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        value = gradient_difference(flat, ramp(1, 1)[:, :, :8])
    assert np.isfinite(tape.gradient(value, flat)).all()
