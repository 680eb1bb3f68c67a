import keras
import numpy as np
import pytest
import tensorflow as tf

from losses.naturalness import brightness_and_contrast, naturalness_difference
from standards.srgb import LUMINANCE


def pictures(seed, side=66):
    return np.random.default_rng(seed).random((2, side, side, 3)).astype("f4")


def test_brightness_and_contrast_are_those_of_tmqi():
    batch = pictures(0)
    brightness, contrast = brightness_and_contrast(keras.ops.convert_to_tensor(batch))
    luma = batch @ np.array(LUMINANCE)
    blocks = luma.reshape(2, 6, 11, 6, 11)
    np.testing.assert_allclose(brightness, luma.mean(axis=(1, 2)), rtol=1e-5)
    expected = blocks.std(axis=(2, 4), ddof=1).mean(axis=(1, 2))
    np.testing.assert_allclose(contrast, expected, rtol=1e-4)


def test_difference_by_hand():
    dark = np.full((1, 33, 33, 3), 0.2, "f4")
    # Flat pictures have no contrast: only the brightness differs.
    expected = 0.3 / (27.99 / 255)
    assert float(naturalness_difference(dark, dark + 0.3)) == pytest.approx(expected, rel=1e-3)
    assert float(naturalness_difference(dark, dark)) == 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_gradient_of_flat_pictures_is_finite(value):
    flat = tf.constant(np.full((1, 33, 33, 3), value, "f4"))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        loss = naturalness_difference(flat, tf.constant(pictures(3, 33)[:1]))
    assert np.isfinite(tape.gradient(loss, flat).numpy()).all()
