import numpy as np
import pytest
import tensorflow as tf

from models.layers import EPSILON, PER_BATCH, PER_PICTURE, MomentNormalization
from models.tone_mapper import make_branches


def picture(shape=(3, 9, 13, 5), seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(generator.normal(size=shape[-1]), 0.5, shape)
    return tf.constant(x, tf.float32)


@pytest.mark.parametrize("axes", [PER_PICTURE, PER_BATCH])
def test_the_trained_way_is_the_plain_one_and_its_gradient(axes):
    x, upstream = picture(), picture(seed=1)
    layer = MomentNormalization(axes)
    results, gradients = [], []
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(x)
            results.append(layer(x, training=training))
        gradients.append(tape.gradient(results[-1], x, output_gradients=upstream))
    np.testing.assert_allclose(results[1], results[0], atol=1e-5)
    np.testing.assert_allclose(gradients[1], gradients[0], atol=2e-5)
    exact = np.float64(x)
    exact -= exact.mean(axis=axes, keepdims=True)
    exact /= np.sqrt((exact**2).mean(axis=axes, keepdims=True) + EPSILON)
    np.testing.assert_allclose(results[1], exact, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_constant_picture_has_a_finite_gradient(training):
    x = tf.fill((1, 6, 6, 2), 0.3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = MomentNormalization(PER_PICTURE)(x, training=training)
    assert np.isfinite(tape.gradient(y, x, output_gradients=picture(x.shape))).all()
    np.testing.assert_allclose(y, 0, atol=1e-3)


def test_training_reaches_the_normalizations_of_a_branch():
    """Without it the training step would silently be the slower one."""

    def custom_gradients(training):
        high = make_branches().high
        graph = tf.function(lambda x: high(x, training=training)).get_concrete_function(picture())
        operations = graph.graph.get_operations()
        return sum("_gradient_op_type" in operation.node_def.attr for operation in operations)

    def picture():
        return tf.zeros((1, 8, 8, 3))

    layers = [m for m in make_branches().high.layers if isinstance(m, MomentNormalization)]
    assert len(layers) == 4
    assert custom_gradients(training=True) >= 4
    assert custom_gradients(training=False) == 0


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("axes", [PER_PICTURE, PER_BATCH])
def test_large_pictures_keep_their_digits(axes, training):
    x = np.random.default_rng(0).normal(3, 2, (1, 816, 1224, 8)).astype("f4")
    exact = x.astype("f8")
    exact = (exact - exact.mean(axes, keepdims=True)) / exact.std(axes, keepdims=True)
    found = MomentNormalization(axes)(x, training=training)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-5)
