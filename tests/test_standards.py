import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT

from standards.guided import guided_filter
from standards.pu21 import LEAST, SCENE_WHITE, displayed_luminance, pu21, scene_luminance
from standards.srgb import (
    luminance,
    recolor,
    srgb_decode,
    srgb_decode_8bit,
    srgb_encode,
    srgb_steepness,
)


def as_tensors(function):
    """Return the function on Keras tensors, as one on arrays."""

    def run(*arrays, **settings):
        tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
        return np.asarray(function(*tensors, **settings))

    return run


BOTH = pytest.mark.parametrize("kind", [lambda function: function, as_tensors])


def scene(seed=0):
    generator = np.random.default_rng(seed)
    light = generator.random((40, 50, 3)) * np.exp(generator.normal(0, 2, (40, 50, 1)))
    light[0, :10] = 0  # black
    light[1, :, 1:] = 0  # red, which cannot be bright
    return light


@BOTH
def test_the_curve_has_the_standards_values(kind):
    # IEC 61966-2-1: 12.92 up to code 0.04045, a power of 2.4 above.
    codes = np.array([0, 10, 11, 128, 255]) / 255
    light = np.array([0, 0.003035270, 0.003346536, 0.215860501, 1])
    np.testing.assert_allclose(kind(srgb_decode)(codes), light, atol=1e-9)
    np.testing.assert_allclose(kind(srgb_encode)(light), codes, atol=1e-7)
    np.testing.assert_allclose(kind(srgb_encode)(np.array([-0.5, 1.5])), [0, 1], atol=1e-15)


def test_every_8_bit_code_comes_back():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    light = srgb_decode_8bit(codes)
    assert light.dtype == np.float64 and light.shape == (16, 16)
    assert light[8, 0] == pytest.approx(0.215860501, abs=1e-9)
    np.testing.assert_array_equal(np.rint(255 * srgb_encode(light)), codes)


@BOTH
def test_luminance_is_bt709s(kind):
    found = kind(luminance)(np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [2, 2, 2]]))
    np.testing.assert_allclose(found, [[0.2126], [0.7152], [0.0722], [2]], rtol=1e-6)


@BOTH
def test_recolor_by_hand(kind):
    # Luminance 0.2126·0.4 + 0.7152·0.2 + 0.0722·0.1 = 0.2353, brought to half of it.
    found = kind(recolor)(np.array([[0.4, 0.2, 0.1]]), np.array([[0.11765]]))
    np.testing.assert_allclose(found, [[0.2, 0.1, 0.05]], rtol=1e-6)
    # Pure blue at luminance 0.5: (1 - 0.5) / (0.5 / 0.0722 - 0.5) of the way from gray.
    found = kind(recolor)(np.array([[0, 0, 3.0]]), np.array([[0.5]]))
    np.testing.assert_allclose(found, [[0.46109, 0.46109, 1]], atol=1e-4)
    found = kind(recolor)(np.array([[0.0, 0, 0]]), np.array([[0.25]]))
    np.testing.assert_array_equal(found, [[0.25] * 3])
    # Ratios 4 : 1 : 1 become 2 : 1 : 1.
    found = kind(recolor)(np.array([[0.4, 0.1, 0.1]]), np.array([[0.12126]]), saturation=0.5)
    np.testing.assert_allclose(found, [[0.2, 0.1, 0.1]], rtol=1e-6)


@BOTH
def test_gamuts_of_recolor_by_hand(kind):
    # Ratios 4 : 2 : 1 at twice the display's red.
    rgb, target = np.array([[2.0, 1.0, 0.5]]), np.array([[2 * 0.2126 + 0.7152 + 0.5 * 0.0722]])
    found = kind(recolor)(rgb, target, gamut="clip")
    np.testing.assert_allclose(found, [[1, 1, 0.5]], rtol=1e-6)
    found = kind(recolor)(rgb, target, gamut="darken")
    np.testing.assert_allclose(found, [[1, 2 / 3, 1 / 3]], rtol=1e-6)
    inside = [kind(recolor)(rgb, target / 2, gamut=g) for g in ("desaturate", "clip", "darken")]
    np.testing.assert_allclose(inside, [rgb / 2] * 3, rtol=1e-6)


@BOTH
def test_pu21_has_the_published_codes(kind):
    # Of the authors' encoder, type banding_glare: 100 cd/m² has 256, about.
    light = np.array([0.001, 0.005, 0.1, 1, 10, 100, 1000, 10_000, 20_000])
    codes = [0, 0, 5.717, 36.544, 123.647, 256.384, 420.097, 595.394, 595.394]
    np.testing.assert_allclose(kind(pu21)(light), codes, atol=2e-3)


@BOTH
def test_a_scene_is_exposed_to_the_pictures_log_mean(kind):
    hdr = scene() + 0.01
    displayed = kind(displayed_luminance)(np.random.default_rng(1).random(hdr.shape))
    assert displayed.min() >= 0.4 and displayed.max() <= 200
    found = kind(scene_luminance)(hdr, displayed)
    inside = (found > LEAST) & (found < SCENE_WHITE)
    ratio = found[inside] / luminance(hdr)[inside]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)
    expected = np.exp(np.log(displayed).mean() - np.log(luminance(hdr)).mean())
    assert ratio[0] == pytest.approx(expected, rel=1e-4)
    assert np.isfinite(kind(scene_luminance)(0 * hdr, displayed)).all()


@BOTH
def test_steepness_is_the_curves_derivative(kind):
    light = np.array([1e-4, 1e-3, 0.01, 0.2, 0.9])
    codes = srgb_encode(light)
    step = 1e-5
    expected = (srgb_encode(light * 2**step) - srgb_encode(light * 2**-step)) / (2 * step)
    np.testing.assert_allclose(kind(srgb_steepness)(codes), expected, rtol=1e-3)


@BOTH
@pytest.mark.parametrize("saturation", [1.0, 0.6, 1.4])
def test_recolor_keeps_luminance_hue_and_gamut(kind, saturation):
    hdr, target = scene(), np.random.default_rng(1).random((40, 50, 1))
    made = kind(recolor)(hdr, target, saturation=saturation)
    assert made.shape == hdr.shape and made.dtype == hdr.dtype
    assert made.min() >= 0 and made.max() <= 1 + 1e-12
    np.testing.assert_allclose(luminance(made), target, atol=1e-12)
    # Same direction from gray in linear RGB, and not shortened where there was room.
    powers = hdr**saturation
    wanted = powers * target / np.maximum(luminance(powers), 1e-30)
    wanted = np.where(hdr.max(axis=-1, keepdims=True) > 0, wanted - target, 0)
    got = made - target
    assert np.cross(wanted, got) == pytest.approx(0, abs=1e-9)
    inside = (wanted + target).max(axis=-1) <= 1
    assert 0.1 < inside.mean() < 0.9
    np.testing.assert_allclose(got[inside], wanted[inside], atol=1e-12)
    np.testing.assert_allclose(made[~inside].max(axis=-1), 1, atol=1e-12)
    # The scene's unit does not matter.
    bright = kind(recolor)(1e4 * hdr, target, saturation=saturation)
    np.testing.assert_allclose(bright, made, atol=1e-9)


def test_single_precision_stays_single():
    hdr = scene().astype("f4")
    for kind in (lambda function: function, as_tensors):
        made = kind(recolor)(hdr, kind(luminance)(hdr / hdr.max()), saturation=1.2)
        codes = kind(srgb_encode)(made)
        assert made.dtype == codes.dtype == kind(srgb_decode)(codes).dtype == np.float32


@pytest.mark.parametrize("value", [-0.5, 0.0, 1e-30, 0.3, 1.0, 1.5])
def test_gradients_are_finite(value):
    light = scene().astype("f4")
    x = tf.constant(np.full((40, 50, 1), value, "f4"))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        colored = recolor(tf.constant(light), tf.clip_by_value(x, 0.0, 1.0), 0.8)
        values = [srgb_encode(x), srgb_encode(colored), srgb_decode(tf.clip_by_value(x, 0.0, 1.0))]
    for result in values:
        assert np.isfinite(result).all() and np.isfinite(tape.gradient(result, x)).all()


def test_arrays_need_no_keras():
    program = (
        "import sys, numpy as np, standards.guided as g, standards.srgb as s\n"
        "x = np.ones((4, 4, 3))\n"
        "g.guided_filter(s.luminance(x), s.recolor(s.srgb_decode(x), x[..., :1])[..., :1], 1, 1)\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


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
