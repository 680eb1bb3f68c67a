import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import scene

from data.preparation.normalize import minmax
from losses.structural_fidelity import structural_fidelity
from metrics.tmqi import tmqi


def pictures(seed):
    hdr = minmax(scene(168, 184, seed).astype("f4"))
    hdr += 0.02 * np.random.default_rng(seed).random(hdr.shape).astype("f4") * hdr
    hdr = minmax(hdr)
    sdr = np.rint(255 * (hdr / (0.1 + hdr)) ** 0.5).clip(0, 255).astype(np.uint8)
    return hdr, sdr


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_the_metrics_s(seed):
    hdr, sdr = pictures(seed)
    expected = tmqi(hdr, sdr).S
    source = (hdr**0.4545)[None]
    found = float(structural_fidelity((sdr / 255).astype("f4")[None], source.astype("f4")))
    assert found == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("value", [-0.5, 0.0, 0.5, 1.0])
def test_gradients_are_finite(value):
    generator = np.random.default_rng(0)
    noise = generator.random((1, 161, 161, 3)).astype("f4")
    flat = np.full_like(noise, value)
    for shown, source in ((flat, noise), (noise, flat), (flat, flat), (noise, noise)):
        shown = tf.constant(shown)
        with tf.GradientTape() as tape:
            tape.watch(shown)
            loss = 1 - structural_fidelity(shown, keras.ops.convert_to_tensor(source))
        assert np.isfinite(float(loss))
        assert np.isfinite(tape.gradient(loss, shown).numpy()).all()
