import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import scene
from test_losses_ssim import naive_moments, pair

from data.preparation.normalize import minmax
from losses.tmqi import (
    brightness_and_contrast,
    ms_ssim_tmqi,
    naturalness_difference,
    ssim_tmqi,
    structural_fidelity,
)
from metrics.tmqi import tmqi


def naive_stretched_fidelity(a, b):
    scores = []
    for channel in range(3):
        _, _, pp, qq, pq = naive_moments(a[..., channel].astype(float), b[..., channel])
        p, q = np.sqrt(np.maximum(pp, 1e-6)), np.sqrt(np.maximum(qq, 1e-6))
        structure = (pq + 10) / (p * q + 10)
        p, q = ((s - s.min()) / (s.max() - s.min()) + 1e-6 for s in (p, q))
        scores.append(((2 * p * q + 0.01) / (p * p + q * q + 0.01) * structure).mean())
    return np.mean(scores)


def test_the_papers_fidelity_equals_loops():
    a, b = pair()
    expected = naive_stretched_fidelity(a[0], b[0])
    assert float(ssim_tmqi(a, b)) == pytest.approx(expected, abs=1e-4)
    a, _ = pair(161, 162)
    assert float(ms_ssim_tmqi(a, a)) == pytest.approx(1, abs=1e-5)


def noise(seed, side=66):
    return np.random.default_rng(seed).random((2, side, side, 3)).astype("f4")


def test_brightness_and_contrast_are_those_of_tmqi():
    batch = noise(0)
    brightness, contrast = brightness_and_contrast(keras.ops.convert_to_tensor(batch))
    luma = batch @ np.array([0.2126, 0.7152, 0.0722])
    blocks = luma.reshape(2, 6, 11, 6, 11)
    np.testing.assert_allclose(brightness, luma.mean(axis=(1, 2)), rtol=1e-5)
    expected = blocks.std(axis=(2, 4), ddof=1).mean(axis=(1, 2))
    np.testing.assert_allclose(contrast, expected, rtol=1e-4)


def test_naturalness_difference_by_hand():
    dark = np.full((1, 33, 33, 3), 0.2, "f4")
    # Flat pictures have no contrast: only the brightness differs.
    expected = 0.3 / (27.99 / 255)
    assert float(naturalness_difference(dark, dark + 0.3)) == pytest.approx(expected, rel=1e-3)
    assert float(naturalness_difference(dark, dark)) == 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_naturalness_of_flat_pictures_has_finite_gradients(value):
    flat = tf.constant(np.full((1, 33, 33, 3), value, "f4"))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        loss = naturalness_difference(flat, tf.constant(noise(3, 33)[:1]))
    assert np.isfinite(tape.gradient(loss, flat).numpy()).all()


def pictures(seed):
    hdr = minmax(scene(168, 184, seed).astype("f4"))
    hdr += 0.02 * np.random.default_rng(seed).random(hdr.shape).astype("f4") * hdr
    hdr = minmax(hdr)
    sdr = np.rint(255 * (hdr / (0.1 + hdr)) ** 0.5).clip(0, 255).astype(np.uint8)
    return hdr, sdr


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_structural_fidelity_is_the_metrics(seed):
    hdr, sdr = pictures(seed)
    expected = tmqi(hdr, sdr).S
    source = (hdr**0.4545)[None]
    found = float(structural_fidelity((sdr / 255).astype("f4")[None], source.astype("f4")))
    assert found == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("value", [-0.5, 0.0, 0.5, 1.0])
def test_structural_fidelity_has_finite_gradients(value):
    generator = np.random.default_rng(0)
    noisy = generator.random((1, 161, 161, 3)).astype("f4")
    flat = np.full_like(noisy, value)
    for display, source in ((flat, noisy), (noisy, flat), (flat, flat), (noisy, noisy)):
        display = tf.constant(display)
        with tf.GradientTape() as tape:
            tape.watch(display)
            loss = 1 - structural_fidelity(display, keras.ops.convert_to_tensor(source))
        assert np.isfinite(float(loss))
        assert np.isfinite(tape.gradient(loss, display).numpy()).all()
