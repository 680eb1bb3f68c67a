import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import scene

from data.preparation.normalize import normalize_hdr
from models.display import Display, displayed
from models.training_display import TrainingDisplay


def case(domain, seed=0):
    source = normalize_hdr(scene(48, 56, seed), domain)
    output = np.random.default_rng(seed).random((48, 56, 3)).astype("f4")
    return output, source


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize(("guided", "saturation"), [(0, 1.0), (4, 1.0), (2, 0.8)])
def test_it_shows_what_is_written(domain, guided, saturation):
    display = Display("clip", "source", saturation, guided)
    output, source = case(domain)
    shown = np.array(TrainingDisplay(domain, display)(output[None], source[None])[0])
    codes = shown ** (1 / 2.2) if domain == "linear" else shown
    expected = displayed(output, source, domain, display) / 255
    # Half a code of rounding; the box sums are of another order.
    np.testing.assert_allclose(codes, expected, atol=0.6 / 255 + 1e-3)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize("name", ["black", "white", "flat", "primaries", "noise"])
def test_gradients_are_finite(domain, name):
    generator = np.random.default_rng(1)
    shape = (1, 32, 32, 3)
    source = {
        "black": np.zeros(shape),
        "white": np.ones(shape),
        "flat": np.full(shape, 0.3),
        "primaries": np.eye(3)[generator.integers(0, 3, shape[:3])],
        "noise": generator.random(shape),
    }[name].astype("f4")
    show = TrainingDisplay(domain, Display("clip", "source", 1.0, 3))
    for values in (np.zeros(shape), np.ones(shape), generator.random(shape)):
        output = tf.constant(values.astype("f4"))
        with tf.GradientTape() as tape:
            tape.watch(output)
            loss = keras.ops.mean(show(output, tf.constant(source)) ** 2)
        assert np.isfinite(float(loss))
        assert np.isfinite(tape.gradient(loss, output).numpy()).all()
