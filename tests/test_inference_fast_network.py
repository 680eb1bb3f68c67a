import numpy as np
import pytest
from conftest import GOLDEN, scene

from data.preparation.prepare import Preparation, prepare_picture
from inference import fast_kernels, fast_layers, fast_strips
from inference import operator as inference
from inference.fast_network import FastNetwork
from inference.operator import Operator
from models.tone_mapper import PICTURES, TEST_PADDING, make_branches, tone_mapper
from models.weights import load_weights, newest_checkpoint

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
    shipped = newest_checkpoint(GOLDEN.parents[2] / "checkpoints" / "ftlayer")
    load_weights(shipped, branches._asdict())
    layers = prepare_picture(scene(150, 203), PAPER._replace(fuse_mid_layers=True))
    assert_equal_to_plain(branches, layers.high, layers.bot, 3)


def test_flat_detail_gives_what_exact_arithmetic_does(branches):
    # The plain network shows its own rounding errors here: each normalization takes them by 1000.
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


def test_a_map_in_16_bits_leaves_the_map(branches):
    conv1 = branches.high.get_layer("conv1").get_weights()
    pictures = np.random.default_rng(0).random((2, 9, 8, 3), dtype="f4")
    layer = fast_layers.opened(pictures, *conv1)
    coded = layer.coded()
    for _ in range(2):
        codes, step, low, exact = (v.numpy().astype("f8") for v in coded.dequeue())
        assert exact.size == 0
        strip = layer.strips.dequeue().numpy()
        kept = (codes * step + low).reshape(strip.shape)
        assert np.abs(kept - strip).max() < step.max()
    assert layer.strips.size() == coded.size() == 0


@pytest.mark.parametrize("offset", [0, 1, -1000])
@pytest.mark.parametrize("spread", [0, 1e-30, 1e-4, 1, 1e8])
def test_16_bits_keep_a_strip(offset, spread):
    strip = np.random.default_rng(1).normal(offset, spread, (40, 50, 24)).astype("f4")
    strip[..., 1] *= 1e-6
    strip[7, 8, 2] = 2 * np.abs(strip[..., 2]).max()
    codes, step, low, exact = fast_kernels.coded(strip, np.float32(np.inf))
    kept = codes.numpy() * step.numpy().astype("f8") + low.numpy()
    kept = kept.reshape(strip.shape)
    span = strip.max(0) - strip.min(0).astype("f8")
    resolution = np.abs(strip).max(0) * 2.0**-22
    assert (np.abs(kept - strip) <= 0.52 * span / 65_000 + resolution + 1e-30).all()
    double = fast_kernels.added(strip, np.ones(24, "f4"), codes, step, low, exact)
    np.testing.assert_allclose(double, kept + strip, 1e-5, np.abs(strip).max() * 1e-6 + 1e-30)


def test_a_strip_of_too_wide_a_range_is_kept_in_float32():
    strip = np.random.default_rng(1).normal(size=(40, 50, 24)).astype("f4")
    strip[7, 8, 2] = 100
    codes, *_, exact = coded = fast_kernels.coded(strip, np.full(24, fast_strips.WIDE, "f4"))
    assert codes.numpy().size == 0
    np.testing.assert_array_equal(exact, strip)
    np.testing.assert_array_equal(
        fast_kernels.added(strip, np.full(24, 2, "f4"), *coded), 2 * strip + strip
    )


def test_a_sun_on_a_flat_sky(branches):
    shipped = newest_checkpoint(GOLDEN.parents[2] / "checkpoints" / "ftlayer")
    load_weights(shipped, branches._asdict())
    picture = np.full((256, 384, 3), 0.01, "f4")
    picture[100:120, 150:170] = 1000
    picture *= 1 + np.random.default_rng(1).normal(0, 0.01, picture.shape).astype("f4")
    layers = prepare_picture(picture, PAPER._replace(fuse_mid_layers=True))
    # Without strips that are kept in float32 it is 1.4e-4.
    assert_equal_to_plain(branches, layers.high, layers.bot, 3)


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
