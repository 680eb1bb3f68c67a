import keras
import numpy as np
import pytest
import tensorflow as tf

from losses.color import (
    RGB_TO_XYZ,
    delta_e_76,
    delta_e_itp,
    delta_hue_76,
    delta_hue_ipt,
    rgb_to_ipt,
    rgb_to_itp,
    rgb_to_lab,
    rgb_to_xyz,
)


def pixel(*rgb):
    return np.array(rgb, np.float32).reshape(1, 1, 1, 3)


# The XYZ of (0.5, 0.25, 0.125), worked out by hand from each matrix.
BY_HAND = {
    "709": (0.3181625, 0.2941250, 0.1582625),
    "2020": (0.3757625, 0.3082625, 0.1396500),
    "601": (0.3720000, 0.3105000, 0.1560000),
    "dci_p3": (0.3333750, 0.2973375, 0.1417625),
    "alexa": (0.3848980, 0.3374629, 0.1288023),
    "fairchild_nikon_d2x": (0.3273375, 0.2919750, 0.1425625),
}


@pytest.mark.parametrize("primaries", RGB_TO_XYZ)
def test_xyz_by_hand(primaries):
    xyz = np.asarray(rgb_to_xyz(pixel(0.5, 0.25, 0.125), primaries)).ravel()
    np.testing.assert_allclose(xyz, BY_HAND[primaries], rtol=1e-5)


def test_xyz_has_a_floor():
    np.testing.assert_allclose(rgb_to_xyz(pixel(0, 0, 0)), 1e-6 * np.ones((1, 1, 1, 3)), rtol=1e-6)
    assert np.asarray(rgb_to_xyz(pixel(0.5, 0, -1), "alexa")).min() == np.float32(1e-6)


def test_ipt_and_itp_by_hand():
    # White of BT.709: XYZ .9505 1 1.089; LMS of IPT .99999 1.00001 .99992 (rounded matrices),
    # so I is about 1 and P, T about 0; LMS of ICtCp 1.00004 .99993 .9998.
    lms = np.array([0.4002 * 0.9505 + 0.7076 - 0.0808 * 1.089, 1.0, 0.9182 * 1.089])
    lms[1] = -0.2263 * 0.9505 + 1.1653 + 0.0457 * 1.089
    powers = lms**0.43
    intensity = 0.4 * powers[0] + 0.4 * powers[1] + 0.2 * powers[2]
    ipt = np.asarray(rgb_to_ipt(pixel(1, 1, 1))).ravel()
    np.testing.assert_allclose(ipt, [intensity, 0, 0], atol=2e-3)
    assert ipt[0] == pytest.approx(intensity, rel=1e-5)
    itp = np.asarray(rgb_to_itp(pixel(1, 1, 1))).ravel()
    np.testing.assert_allclose(itp, [1, 0, 0], atol=2e-3)


def test_delta_e_itp_by_hand():
    # Greys differ in I alone: the power 0.43 of the level, times about 1.
    a, b = pixel(0.6, 0.6, 0.6), pixel(0.2, 0.2, 0.2)
    assert float(delta_e_itp(a, b)) == pytest.approx(0.6**0.43 - 0.2**0.43, rel=2e-3)
    assert float(delta_e_itp(a, a)) == 0


def test_delta_e_itp_halves_ct():
    a, b = pixel(0.7, 0.3, 0.2), pixel(0.2, 0.4, 0.6)
    i, t, p = (np.asarray(rgb_to_itp(a)) - np.asarray(rgb_to_itp(b))).ravel()
    expected = np.sqrt(i**2 + (t / 2) ** 2 + p**2)
    assert float(delta_e_itp(a, b)) == pytest.approx(expected, rel=1e-5)


def test_hue_ignores_intensity_and_sees_hue():
    a = pixel(0.6, 0.3, 0.2)
    same = float(delta_hue_ipt(a, a * 0.5, "709", "709"))
    other = float(delta_hue_ipt(a, pixel(0.3, 0.6, 0.2), "709", "709"))
    assert same < 1e-4
    assert other > 0.3


def test_hue_angle_by_hand():
    _, p, t = np.asarray(rgb_to_ipt(pixel(0.6, 0.3, 0.2))).ravel()
    _, p2, t2 = np.asarray(rgb_to_ipt(pixel(0.2, 0.3, 0.6))).ravel()
    expected = abs(np.arctan(p / (t + 1e-6)) - np.arctan(p2 / (t2 + 1e-6)))
    ours = delta_hue_ipt(pixel(0.6, 0.3, 0.2), pixel(0.2, 0.3, 0.6), "709", "709")
    assert float(ours) == pytest.approx(expected, rel=1e-4)


def test_simplified_lab_by_hand():
    # XYZ of (0.5, 0.25, 0.125) above; cube roots .68270 .66503 .54093.
    lab = np.asarray(rgb_to_lab(pixel(0.5, 0.25, 0.125))).ravel()
    np.testing.assert_allclose(lab, [61.1435, 8.835, 28.354], atol=2e-2)
    zero = np.asarray(rgb_to_lab(pixel(1, 1, 1))).ravel()
    np.testing.assert_allclose(zero, [100, -8.388, -9.124], atol=2e-2)


def test_delta_e_76_and_its_hue_by_hand():
    a, b = pixel(0.5, 0.25, 0.125), pixel(1, 1, 1)
    lab_a, lab_b = (np.asarray(rgb_to_lab(x)).ravel() for x in (a, b))
    assert float(delta_e_76(a, b)) == pytest.approx(np.linalg.norm(lab_a - lab_b), rel=1e-5)
    angles = [np.arctan(lab[2] / (lab[1] + 1e-6)) for lab in (lab_a, lab_b)]
    assert float(delta_hue_76(a, b)) == pytest.approx(abs(angles[0] - angles[1]), rel=1e-4)


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


@pytest.mark.parametrize("loss", [delta_e_itp, delta_hue_ipt, delta_e_76, delta_hue_76])
@pytest.mark.parametrize("name", BAD)
def test_always_finite(loss, name):
    for other in BAD.values():
        value, gradient = gradients(lambda a, b=other: loss(a, b), BAD[name])
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_angle_at_its_poles():
    from losses.color import _angle

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


def test_lms_below_zero_counts_as_the_floor_without_gradient():
    from losses.color import XYZ_TO_LMS_IPT, _compressed_lms

    blue = pixel(0, 0, 1)
    value, gradient = gradients(
        lambda a: keras.ops.sum(_compressed_lms(a, "fairchild_nikon_d2x", XYZ_TO_LMS_IPT)[..., 0]),
        blue,
    )
    # L of saturated blue through the Nikon matrix: .4002·.0871 + .7076·.0450 - .0808·.9873 < 0.
    assert value == pytest.approx(1e-6)
    assert not gradient.any()
