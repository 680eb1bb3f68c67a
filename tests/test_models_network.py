import cv2
import numpy as np
import pytest
from conftest import GOLDEN, kept, scene

from inference.operator import Operator
from models.display import Display, displayed
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from models.upsample import BinomialUpsample
from models.weights import load_weights, newest_checkpoint


@pytest.fixture(scope="module")
def golden_branches():
    branches = make_branches()
    load_weights(newest_checkpoint(GOLDEN / "ftlayer"), branches._asdict())
    return branches


@pytest.fixture(scope="module")
def golden_layers(forward):
    from data.preparation.prepare import Preparation, prepare_picture

    return prepare_picture(forward["hdr"], Preparation("gamma", "bilateral", False, 3))


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
    operator = Operator(GOLDEN / "ftlayer", golden_layers_preparation())
    assert operator.info.step == 4242
    assert operator.info.display == Display("minmax", "network", 1.0)
    output = operator.pictures(golden_layers)["output"]
    picture = displayed(output, golden_layers.normalized, "gamma", operator.info.display)
    difference = np.abs(picture.astype(int) - forward["display_0_255"])
    assert difference.max() <= 1


def golden_layers_preparation():
    from data.preparation.prepare import Preparation

    return Preparation("gamma", "bilateral", False, 3)


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


def test_free_picture_sizes(golden_branches):
    network = tone_mapper(golden_branches, 3, TEST_PADDING)
    for height, width in ((56, 56), (64, 200), (136, 56)):
        layers = {
            "high": np.zeros((1, height, width, 3), "f4"),
            "bot": np.zeros((1, height // 8, width // 8, 3), "f4"),
        }
        output = network.predict_on_batch(layers)["output"]
        assert output.shape == (1, height, width, 3)
        assert np.isfinite(output).all()
