import numpy as np
import pytest
from conftest import GOLDEN, scene

from data.prepare import Preparation, prepare_picture
from models import fast_layers, fast_strips, inference
from models.fast_network import FastNetwork
from models.inference import Operator
from models.tone_mapper import PICTURES, TEST_PADDING, make_branches, tone_mapper
from models.weights import load_branches

PAPER = Preparation("gamma", "bilateral", False, 3)


@pytest.fixture(scope="module")
def branches():
    return make_branches()


def randomise(branches, generator, spread, bias):
    """Give every layer other weights: kernels of a random size, biases around `bias`."""
    for branch in branches:
        for variable in branch.trainable_variables:
            size = spread * 2.0 ** generator.uniform(-2, 2)
            values = generator.normal(0, size, variable.shape)
            if len(variable.shape) == 1:
                values = values + bias * generator.normal(size=variable.shape)
            variable.assign(values.astype("f4"))


def small_strips(monkeypatch, pixels):
    monkeypatch.setattr(fast_strips, "PIXELS", pixels)
    monkeypatch.setattr(fast_strips, "ROWS", 4)


def random_layers(generator, height, width, level_num):
    step = 2**level_num
    high = generator.normal(0, 0.05, (height * step, width * step, 3)).astype("f4")
    return high, generator.random((height, width, 3), dtype="f4")


def assert_equal_to_plain(branches, high, bot, level_num, atol=1e-4, **ablations):
    network = tone_mapper(branches, level_num, TEST_PADDING, **ablations)
    expected = network({"high": high[None], "bot": bot[None]})
    pictures = FastNetwork(branches, level_num, **ablations).pictures(high, bot, PICTURES)
    for name in PICTURES:
        assert pictures[name].dtype == np.float32
        plain = np.asarray(expected[name][0])
        np.testing.assert_allclose(pictures[name], plain, rtol=0, atol=atol, err_msg=name)
    alone = FastNetwork(branches, level_num, **ablations).pictures(high, bot)
    assert list(alone) == ["output"]
    np.testing.assert_array_equal(alone["output"], pictures["output"])


@pytest.mark.parametrize("pixels", [72_000, 700])
@pytest.mark.parametrize("seed", range(3))
def test_random_sizes_and_weights(branches, monkeypatch, seed, pixels):
    small_strips(monkeypatch, pixels)
    generator = np.random.default_rng(seed)
    randomise(branches, generator, 0.1, 0.1)
    level_num = int(generator.integers(1, 5))
    height, width = generator.integers(7, 8 + 120 // 2**level_num, 2)
    high, bot = random_layers(generator, height, width, level_num)
    assert_equal_to_plain(branches, high, bot, level_num)


@pytest.mark.parametrize("no_high_branch", [False, True])
@pytest.mark.parametrize("no_ft_branch", [False, True])
def test_ablations(branches, monkeypatch, no_high_branch, no_ft_branch):
    small_strips(monkeypatch, 2000)
    generator = np.random.default_rng(5)
    randomise(branches, generator, 0.1, 0.1)
    high, bot = random_layers(generator, 9, 12, 3)
    before = high.copy()
    ablations = {"no_high_branch": no_high_branch, "no_ft_branch": no_ft_branch}
    assert_equal_to_plain(branches, high, bot, 3, **ablations)
    np.testing.assert_array_equal(high, before)


def test_shipped_weights_on_a_scene(branches, monkeypatch):
    small_strips(monkeypatch, 3000)
    load_branches(GOLDEN.parents[2] / "checkpoints" / "ftlayer", branches._asdict())
    layers = prepare_picture(scene(150, 203), PAPER._replace(fuse_mid_layers=True))
    assert_equal_to_plain(branches, layers.high, layers.bot, 3)


def test_flat_detail_gives_what_exact_arithmetic_does(branches):
    # The plain network shows its own rounding errors here: each normalisation takes them by 1000.
    generator = np.random.default_rng(4)
    randomise(branches, generator, 0.1, 0.1)
    high, bot = np.zeros((72, 80, 3), "f4"), generator.random((9, 10, 3), dtype="f4")
    detail = FastNetwork(branches, 3).pictures(high, bot, ["output_high"])["output_high"]
    bias = branches.high.get_layer("conv5").get_weights()[1]
    np.testing.assert_allclose(detail, np.broadcast_to(1 / (1 + np.exp(-bias)), detail.shape), 1e-5)


def test_channels_whose_mean_dwarfs_their_deviation(branches, monkeypatch):
    small_strips(monkeypatch, 2000)
    generator = np.random.default_rng(2)
    randomise(branches, generator, 0.05, 0.1)
    for branch in (branches.high, branches.ft):
        for layer in branch.layers:
            if layer.weights and "conv1" in layer.name:
                layer.weights[1].assign(np.linspace(-3, 3, 24, dtype="f4"))
    high, bot = random_layers(generator, 10, 8, 3)
    conv1 = branches.high.get_layer("conv1").get_weights()
    first = fast_layers.opened(fast_strips.split(high), *conv1)
    assert first.shift is not None
    assert np.abs(first.mean * first.scale).max() < 1e-3
    assert_equal_to_plain(branches, high, bot, 3)


def test_moments_are_those_of_the_picture(branches, monkeypatch):
    small_strips(monkeypatch, 300)
    generator = np.random.default_rng(3)
    kernel = generator.normal(size=(3, 3, 3, 24)).astype("f4")
    picture = generator.random((37, 22, 3), dtype="f4")
    layer = fast_layers.opened(fast_strips.split(picture), kernel, np.zeros(24))
    strips = [layer.strips.dequeue().numpy()[:, 2:-2] for _ in range(layer.strips.size())]
    assert [len(strip) for strip in strips] == [14, 14, 9]
    samples = np.concatenate(strips).astype("f8")
    assert samples.shape == (37, 22, 24)
    np.testing.assert_allclose(layer.mean, samples.mean((0, 1)), 1e-5, 1e-6)
    np.testing.assert_allclose(layer.scale, (samples.var((0, 1)) + 1e-6) ** -0.5, 1e-5)


@pytest.mark.parametrize(("height", "width"), [(14, 14), (56, 65528), (4321, 7680), (8, 8)])
def test_strips_cover_the_picture(height, width):
    strips = list(fast_strips.split(np.broadcast_to(np.arange(height)[:, None], (height, width))))
    np.testing.assert_array_equal(np.concatenate(strips)[:, 0], np.arange(height))
    rows = [len(strip) for strip in strips]
    assert len(set(rows[:-1])) <= 1 and rows[-1] >= 2
    assert max(rows) * width <= max(2 * fast_strips.PIXELS, (fast_strips.ROWS + 2) * width)


def test_a_region_that_cannot_be_had_is_done_without():
    fast_strips.reserve(10**13)


def test_a_shared_map_is_read_twice(branches):
    conv1 = branches.high.get_layer("conv1").get_weights()
    layer = fast_layers.opened([np.ones((9, 8, 3), "f4")] * 2, *conv1)
    other = layer.shared()
    for _ in range(2):
        np.testing.assert_array_equal(layer.strips.dequeue(), other.strips.dequeue())
    assert layer.strips.size() == other.strips.size() == 0


def test_large_pictures_take_the_fast_network(monkeypatch):
    operator = Operator(GOLDEN / "ftlayer", PAPER)
    layers = prepare_picture(scene(64, 80), PAPER)
    plain = operator.pictures(layers, PICTURES)
    monkeypatch.setattr(inference, "FAST_FROM", 64 * 80)
    monkeypatch.setattr(operator, "network", None)
    fast = operator.pictures(layers, PICTURES)
    assert list(plain) == list(fast) == list(PICTURES)
    for name in PICTURES:
        np.testing.assert_allclose(fast[name], plain[name], rtol=0, atol=1e-4)
    assert list(operator.pictures(layers)) == ["output"]
