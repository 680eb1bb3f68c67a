import cv2
import numpy as np
import pytest
import tensorflow as tf
from conftest import GOLDEN, kept, scene

from data.preparation.prepare import Preparation, prepare_picture
from inference.operator import Operator
from models.display import Display, displayed
from models.layers import EPSILON, PER_BATCH, PER_PICTURE, MomentNormalization
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from models.upsample import BinomialUpsample
from models.weights import load_weights, newest_checkpoint

PAPER = Preparation("gamma", "bilateral", False, 3)


@pytest.fixture(scope="module")
def golden_branches():
    branches = make_branches()
    load_weights(newest_checkpoint(GOLDEN / "ftlayer"), branches._asdict())
    return branches


@pytest.fixture(scope="module")
def golden_layers(forward):
    return prepare_picture(forward["hdr"], PAPER)


def test_number_of_weights():
    counts = [branch.count_params() for branch in make_branches()]
    assert counts == [16_371, 18_635, 26_107]
    assert sum(counts) == 61_113


def test_network_equals_the_original(forward, golden_branches, golden_layers):
    network = tone_mapper(golden_branches, 3, TEST_PADDING)
    pictures = network.predict_on_batch(
        {"high": golden_layers.high[None], "bot": golden_layers.bot[None]}
    )
    names = {
        "output_high": "net_out_high",
        "new_bot": "net_bot_upsampled",
        "input_ft": "net_ft_input",
        "output": "net_output",
    }
    for ours, golden in names.items():
        np.testing.assert_allclose(kept(pictures[ours][0]), forward[golden], rtol=0, atol=1e-5)
    padded = forward["net_out_bot_padded"][TEST_PADDING:-TEST_PADDING, TEST_PADDING:-TEST_PADDING]
    np.testing.assert_allclose(pictures["output_bot"][0], padded, rtol=0, atol=1e-5)


def test_published_checkpoint_gives_the_original_picture(forward, golden_layers):
    operator = Operator(GOLDEN / "ftlayer", PAPER)
    assert operator.info.step == 4242
    assert operator.info.display == Display("minmax", "network", 1.0)
    output = operator.pictures(golden_layers)["output"]
    picture = displayed(output, golden_layers.normalized, "gamma", operator.info.display)
    difference = np.abs(picture.astype(int) - forward["display_0_255"])
    assert difference.max() <= 1


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(7, 9), (12, 8), (3, 30)])
def test_upsampling_equals_opencv(times, height, width):
    layer = scene(height, width)
    expected = layer
    for _ in range(times):
        expected = cv2.pyrUp(expected)
    enlarged = np.asarray(BinomialUpsample(times)(layer[None]))[0]
    np.testing.assert_allclose(enlarged, expected, rtol=1e-5, atol=1e-5)


def test_ablations(golden_branches):
    generator = np.random.default_rng(0)
    inputs = {
        "high": generator.normal(size=(1, 64, 72, 3)).astype("f4"),
        "bot": generator.random((1, 8, 9, 3), dtype="f4"),
    }
    full, no_high, no_ft, neither = (
        tone_mapper(golden_branches, 3, 0, high, ft)(inputs)
        for high, ft in ((False, False), (True, False), (False, True), (True, True))
    )
    np.testing.assert_array_equal(no_high["output_high"], inputs["high"])
    np.testing.assert_allclose(
        no_high["output"], golden_branches.ft(inputs["high"] + full["new_bot"]), atol=1e-6
    )
    np.testing.assert_allclose(no_ft["output"], full["input_ft"], atol=1e-6)
    np.testing.assert_allclose(neither["output"], inputs["high"] + full["new_bot"], atol=1e-6)


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
