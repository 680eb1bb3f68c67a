import numpy as np
import pytest
import tensorflow as tf

from losses.ssim import halve, minmax_epsilon, moments, ms_ssim, ssim
from losses.tmqi import ms_ssim_tmqi


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


def bad_pictures():
    size = (1, 168, 168, 3)
    checkers = np.indices(size[1:3]).sum(0) % 2
    return {
        "black": np.zeros(size, "f4"),
        "white": np.ones(size, "f4"),
        "negative": np.full(size, -3, "f4"),
        "checkers": np.broadcast_to(checkers[None, ..., None], size).astype("f4"),
        "one hot": np.eye(168, dtype="f4")[None, ..., None] * np.ones(size, "f4"),
    }


@pytest.mark.parametrize("loss", [ms_ssim, ms_ssim_tmqi])
def test_always_finite(loss):
    @tf.function
    def value_and_gradient(a, b):
        with tf.GradientTape() as tape:
            tape.watch(a)
            value = loss(a, b)
        return value, tape.gradient(value, a)

    pictures = bad_pictures()
    for a in pictures.values():
        for b in (pictures["black"], pictures["checkers"]):
            value, gradient = value_and_gradient(tf.constant(a), tf.constant(b))
            assert np.isfinite(value.numpy())
            assert np.isfinite(gradient.numpy()).all()
