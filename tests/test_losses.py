import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import scene

from data.preparation.normalize import minmax
from losses.ssim import halve, minmax_epsilon, moments, ms_ssim, ssim
from losses.tmqi import (
    brightness_and_contrast,
    ms_ssim_tmqi,
    naturalness_difference,
    ssim_tmqi,
    structural_fidelity,
)
from metrics.tmqi import tmqi


def pair(height=20, width=24, seed=0, count=1):
    generator = np.random.default_rng(seed)
    a = generator.random((count, height, width, 3))
    return a.astype("f4"), np.clip(a + generator.normal(0, 0.1, a.shape), 0, 1).astype("f4")


def naive_moments(a, b):
    """Moments of two H×W arrays by loops, float64."""
    offset = np.arange(11) - 5
    window = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    height, width = a.shape[0] - 10, a.shape[1] - 10
    result = np.empty((5, height, width))
    for y in range(height):
        for x in range(width):
            p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
            p_mean, q_mean = (window * p).sum(), (window * q).sum()
            result[:, y, x] = (
                p_mean,
                q_mean,
                (window * (p - p_mean) ** 2).sum(),
                (window * (q - q_mean) ** 2).sum(),
                (window * (p - p_mean) * (q - q_mean)).sum(),
            )
    return result


def naive_ssim(a, b):
    scores = []
    for channel in range(3):
        p, q, pp, qq, pq = naive_moments(a[..., channel].astype(float), b[..., channel])
        luminance = (2 * p * q + 1e-4) / (p * p + q * q + 1e-4)
        scores.append((luminance * (2 * pq + 9e-4) / (pp + qq + 9e-4)).mean())
    return np.mean(scores)


def test_moments_equal_loops():
    a, b = pair()
    ours = moments(a, b)
    for channel in range(3):
        expected = naive_moments(a[0, ..., channel], b[0, ..., channel])
        for array, golden in zip(ours, expected, strict=True):
            np.testing.assert_allclose(array[0, ..., channel], golden, atol=2e-6)


def test_ssim_equals_loops_and_tensorflow():
    a, b = pair()
    assert float(ssim(a, b)) == pytest.approx(naive_ssim(a[0], b[0]), abs=1e-5)
    assert float(ssim(a, b)) == pytest.approx(float(tf.image.ssim(a, b, 1.0)[0]), abs=1e-5)
    assert float(ssim(a, a)) == pytest.approx(1, abs=1e-6)


def test_five_scales_are_averaged():
    # SSIM of flat pictures is 0.6001 at every scale, and 0.9040225 the mean of its powers.
    a, b = np.full((1, 176, 192, 3), 0.2, "f4"), np.full((1, 176, 192, 3), 0.6, "f4")
    assert float(ms_ssim(a, b)) == pytest.approx(0.9040225, abs=2e-5)
    assert float(ms_ssim(b, b)) == pytest.approx(1, abs=1e-5)


def test_halving_counts_the_zeros_beyond_odd_sides():
    x = np.arange(1, 10, dtype="f4").reshape(1, 3, 3, 1)
    np.testing.assert_allclose(np.squeeze(halve(x)), [[3, 2.25], [3.75, 2.25]])


def test_negative_level_counts_as_zero():
    # Waves wide enough to be there at every scale, against their negative.
    wave = 0.5 + 0.4 * np.sin(np.arange(176) * 2 * np.pi / 40)
    a = np.broadcast_to(wave[None, None, :, None], (1, 176, 176, 3)).astype("f4")
    value, gradient = value_and_gradient(ms_ssim, a, 1 - a)
    assert value == pytest.approx(0, abs=1e-6)
    assert not gradient.any()


def test_minmax_epsilon():
    x = np.array([2.0, 4.0, 3.0], np.float32)
    np.testing.assert_allclose(minmax_epsilon(x), [1e-6, 1 + 1e-6, 0.5 + 1e-6], rtol=1e-5)
    np.testing.assert_allclose(minmax_epsilon(x * 0 + 5), [1e-6] * 3, rtol=1e-5)


def value_and_gradient(loss, a, b):
    a = tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = loss(a, b)
    return float(value), tape.gradient(value, a).numpy()


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
