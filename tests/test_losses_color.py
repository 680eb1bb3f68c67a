import keras
import numpy as np
import pytest
import tensorflow as tf

from losses.color import (
    RGB_TO_XYZ,
    XYZ_TO_LMS_IPT,
    _angle,
    _compressed_lms,
    delta_e_itp,
    delta_hue_ipt,
    rgb_to_ipt,
    rgb_to_itp,
    rgb_to_xyz,
)


def pixel(*rgb):
    return np.array(rgb, np.float32).reshape(1, 1, 1, 3)


# The XYZ of (0.5, 0.25, 0.125), worked out by hand from each matrix.
BY_HAND = {
    "709": (0.3181625, 0.2941250, 0.1582625),
    "fairchild_nikon_d2x": (0.3273375, 0.2919750, 0.1425625),
}


@pytest.mark.parametrize("primaries", RGB_TO_XYZ)
def test_xyz_by_hand(primaries):
    xyz = np.asarray(rgb_to_xyz(pixel(0.5, 0.25, 0.125), primaries)).ravel()
    np.testing.assert_allclose(xyz, BY_HAND[primaries], rtol=1e-5)


def test_xyz_is_at_least_1e_6():
    np.testing.assert_allclose(rgb_to_xyz(pixel(0, 0, 0)), 1e-6 * np.ones((1, 1, 1, 3)), rtol=1e-6)
    assert np.asarray(rgb_to_xyz(pixel(0.5, 0, -1), "709")).min() == np.float32(1e-6)


RED, BLUE = pixel(0.6, 0.3, 0.2), pixel(0.2, 0.3, 0.6)


# The numbers below come from an own calculation in float64.
@pytest.mark.parametrize(
    ("function", "rgb", "expected"),
    [
        (rgb_to_ipt, RED, (0.6214378, 0.1334581, 0.1570892)),
        (rgb_to_ipt, BLUE, (0.6300635, -0.0378133, -0.2223648)),
        (rgb_to_itp, RED, (0.6425391, -0.1035652, 0.1661944)),
        (rgb_to_itp, BLUE, (0.6017522, 0.2308157, -0.1110313)),
    ],
)
def test_spaces(function, rgb, expected):
    np.testing.assert_allclose(np.ravel(function(rgb)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (delta_e_itp, 0.3262979),
        (lambda a, b: delta_hue_ipt(a, b, "709", "709"), 0.5358001),
        (lambda a, b: delta_hue_ipt(a, a), 0.0280828),
    ],
)
def test_differences(loss, expected):
    assert float(loss(RED, BLUE)) == pytest.approx(expected, rel=1e-4)


def test_greys_differ_in_intensity_alone():
    np.testing.assert_allclose(np.ravel(rgb_to_ipt(pixel(1, 1, 1))), [1, 0, 0], atol=2e-3)
    np.testing.assert_allclose(np.ravel(rgb_to_itp(pixel(1, 1, 1))), [1, 0, 0], atol=2e-3)
    a, b = pixel(0.6, 0.6, 0.6), pixel(0.2, 0.2, 0.2)
    assert float(delta_e_itp(a, b)) == pytest.approx(0.6**0.43 - 0.2**0.43, rel=2e-3)
    assert float(delta_e_itp(a, a)) == 0


def test_hue_ignores_intensity_and_sees_hue():
    a = pixel(0.6, 0.3, 0.2)
    same = float(delta_hue_ipt(a, a * 0.5, "709", "709"))
    other = float(delta_hue_ipt(a, pixel(0.3, 0.6, 0.2), "709", "709"))
    assert same < 1e-4
    assert other > 0.3


def gradients(loss, a):
    a = tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = loss(a)
    return float(value), tape.gradient(value, a).numpy()


BAD = {
    "black": np.zeros((2, 4, 4, 3), np.float32),
    "white": np.ones((2, 4, 4, 3), np.float32),
    "negative": np.full((2, 4, 4, 3), -0.5, np.float32),
    "blue": np.tile(np.array([0, 0, 1], np.float32), (2, 4, 4, 1)),
    "huge": np.full((2, 4, 4, 3), 1e6, np.float32),
    "layer": np.random.default_rng(0).normal(0, 0.2, (2, 4, 4, 3)).astype(np.float32),
}


@pytest.mark.parametrize("loss", [delta_e_itp, delta_hue_ipt])
@pytest.mark.parametrize("name", BAD)
def test_always_finite(loss, name):
    for other in BAD.values():
        value, gradient = gradients(lambda a, b=other: loss(a, b), BAD[name])
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_angle_at_its_poles():
    for y, x, expected in (
        (0.3, -1e-6, np.pi / 2),
        (-0.3, -1e-6, -np.pi / 2),
        (0.0, -1e-6, 0.0),
        (0.3, -0.4, np.arctan(0.3 / (-0.4 + 1e-6))),
        (0.0, 0.0, 0.0),
        (1e-30, -1e-6, np.pi / 2),
    ):
        point = tf.constant([y, x], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(point)
            angle = _angle(point[0], point[1])
        assert float(angle) == pytest.approx(expected, abs=1e-6)
        assert np.isfinite(tape.gradient(angle, point)).all()


def test_lms_below_zero_counts_as_1e_6_without_gradient():
    blue = pixel(0, 0, 1)
    value, gradient = gradients(
        lambda a: keras.ops.sum(_compressed_lms(a, "fairchild_nikon_d2x", XYZ_TO_LMS_IPT)[..., 0]),
        blue,
    )
    # L of saturated blue through the Nikon matrix: .4002·.0871 + .7076·.0450 - .0808·.9873 < 0.
    assert value == pytest.approx(1e-6)
    assert not gradient.any()
