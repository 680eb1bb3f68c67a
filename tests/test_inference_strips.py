import weakref

import numpy as np
import pytest
from conftest import GOLDEN, ROOT, SHIPPED, scene

from data.pictures import read_hdr
from data.preparation.prepare import Preparation, prepare_picture
from inference import strips
from inference.strips import Strips
from models.display import displayed
from models.tone_mapper import PICTURES, TEST_PADDING, make_branches, tone_mapper
from models.weights import checkpoint_info, load_weights, newest_checkpoint

FUSED = Preparation("gamma", "bilateral", True, 3)


@pytest.fixture(scope="module")
def branches():
    return make_branches()


@pytest.fixture
def shipped(branches):
    load_weights(
        newest_checkpoint(ROOT / "checkpoints" / "pretrained" / "ftlayer"), branches._asdict()
    )
    return branches


def randomize(branches, generator, spread, bias):
    """Give every layer other weights: kernels of a random size, biases around `bias`."""
    for branch in branches:
        for variable in branch.trainable_variables:
            size = spread * 2.0 ** generator.uniform(-2, 2)
            values = generator.normal(0, size, variable.shape)
            if len(variable.shape) == 1:
                values = values + bias * generator.normal(size=variable.shape)
            variable.assign(values.astype("f4"))


def small_bands(monkeypatch, pixels):
    monkeypatch.setattr(strips, "MIN_PIXELS_PER_BAND", pixels)
    monkeypatch.setattr(strips, "MAX_BANDS", 1000)


def random_layers(generator, height, width, level_num):
    step = 2**level_num
    high = generator.normal(0, 0.05, (height * step, width * step, 3)).astype("f4")
    return high, generator.random((height, width, 3), dtype="f4")


def plain(branches, high, bot, level_num=3, **ablations):
    network = tone_mapper(branches, level_num, TEST_PADDING, **ablations)
    made = network({"high": high[None], "bot": bot[None]})
    return {name: np.asarray(made[name][0]) for name in PICTURES}


def assert_equal_to_plain(branches, high, bot, level_num=3, **ablations):
    expected = plain(branches, high, bot, level_num, **ablations)
    pictures = Strips(branches, level_num, **ablations).pictures(high, bot, PICTURES)
    assert list(pictures) == list(PICTURES)
    for name in PICTURES:
        assert pictures[name].dtype == np.float32
        np.testing.assert_allclose(pictures[name], expected[name], 0, 1e-4, err_msg=name)
    output = Strips(branches, level_num, **ablations).pictures(high, bot)
    assert list(output) == ["output"]
    np.testing.assert_array_equal(output["output"], pictures["output"])


@pytest.mark.parametrize("pixels", [72_000, 700])
@pytest.mark.parametrize("seed", range(3))
def test_random_sizes_and_weights(branches, monkeypatch, seed, pixels):
    small_bands(monkeypatch, pixels)
    generator = np.random.default_rng(seed)
    randomize(branches, generator, 0.1, 0.1)
    level_num = int(generator.integers(1, 5))
    height, width = generator.integers(7, 8 + 120 // 2**level_num, 2)
    high, bot = random_layers(generator, height, width, level_num)
    assert_equal_to_plain(branches, high, bot, level_num)


@pytest.mark.parametrize("no_high_branch", [False, True])
@pytest.mark.parametrize("no_ft_branch", [False, True])
def test_ablations(branches, monkeypatch, no_high_branch, no_ft_branch):
    small_bands(monkeypatch, 2000)
    generator = np.random.default_rng(5)
    randomize(branches, generator, 0.1, 0.1)
    high, bot = random_layers(generator, 9, 12, 3)
    before = high.copy(), bot.copy()
    ablations = {"no_high_branch": no_high_branch, "no_ft_branch": no_ft_branch}
    assert_equal_to_plain(branches, high, bot, **ablations)
    np.testing.assert_array_equal(high, before[0])
    np.testing.assert_array_equal(bot, before[1])


def test_a_height_of_bands_and_one_row(branches, monkeypatch):
    small_bands(monkeypatch, 100)
    generator = np.random.default_rng(6)
    randomize(branches, generator, 0.1, 0.1)
    rows = 2 * 16 + 1
    assert_equal_to_plain(branches, *random_layers(generator, rows - 2 * TEST_PADDING, 9, 1), 1)


def test_shipped_weights_on_a_scene(shipped, monkeypatch):
    small_bands(monkeypatch, 3000)
    layers = prepare_picture(scene(150, 203), FUSED)
    assert_equal_to_plain(shipped, layers.high, layers.bot)


def test_flat_detail_gives_what_exact_arithmetic_does(branches):
    # The plain network's own rounding errors show here: each normalization takes them by 1000.
    generator = np.random.default_rng(4)
    randomize(branches, generator, 0.1, 0.1)
    high, bot = np.zeros((72, 80, 3), "f4"), generator.random((9, 10, 3), dtype="f4")
    detail = Strips(branches, 3).pictures(high, bot, ["output_high"])["output_high"]
    bias = branches.high.get_layer("conv5").get_weights()[1]
    np.testing.assert_allclose(detail, np.broadcast_to(1 / (1 + np.exp(-bias)), detail.shape), 1e-5)


def test_channels_whose_mean_dwarfs_their_deviation(branches, monkeypatch):
    small_bands(monkeypatch, 2000)
    generator = np.random.default_rng(2)
    randomize(branches, generator, 0.05, 0.1)
    for branch in (branches.high, branches.ft):
        kernel, _ = branch.get_layer("conv1").get_weights()
        bias = np.linspace(-30, 30, 24, dtype="f4")
        branch.get_layer("conv1").set_weights([kernel, bias])
    high, bot = random_layers(generator, 10, 8, 3)
    assert_equal_to_plain(branches, high, bot)


def test_a_sun_on_a_flat_sky(shipped):
    picture = np.full((256, 384, 3), 0.01, "f4")
    picture[100:120, 150:170] = 1000
    picture *= 1 + np.random.default_rng(1).normal(0, 0.01, picture.shape).astype("f4")
    layers = prepare_picture(picture, FUSED)
    assert_equal_to_plain(shipped, layers.high, layers.bot)


@pytest.mark.parametrize("offset", [0, 1000])
def test_moments_are_the_whole_pictures(monkeypatch, offset):
    small_bands(monkeypatch, 300)
    generator = np.random.default_rng(3)
    picture = (generator.normal(size=(37, 22, 24)) + offset).astype("f4")
    picture[:9] += 5  # bands differ
    bands = strips._split(picture, strips.tf.float32).bands
    assert [band.shape[1] for band in bands] == [24, 13]
    identity = np.eye(24, dtype="f4")[None, None], np.zeros(24, "f4")
    monkeypatch.setattr(strips, "NEGATIVE_SLOPE", 1.0)
    traced_anew = strips.tf.function(strips._convolved.python_function)
    monkeypatch.setattr(strips, "_convolved", traced_anew)
    mean, scale = strips._block(strips._whole(bands), identity, columns=0).scaling
    np.testing.assert_allclose(mean, picture.mean((0, 1), np.float64), 1e-6, 1e-6)
    np.testing.assert_allclose(scale, 1 / picture.std((0, 1), np.float64), 1e-5)


def test_bands_are_let_go_of_once_used(monkeypatch):
    small_bands(monkeypatch, 40)
    x = strips._whole([strips.tf.zeros((1, 8, 20, 24)) for _ in range(12)])
    first = weakref.ref(x.bands[0])
    layer = np.zeros((3, 3, 24, 24), "f4"), np.zeros(24, "f4")
    held = [first() is not None for _ in strips._convolved_bands(x, layer, columns=0)]
    assert x.bands == []
    assert held == [False] * 12


@pytest.mark.parametrize("name", ["chapel", "interior", "night_street", "sunset"])
def test_bfloat16_displays_almost_the_same_picture(shipped, name):
    picture = read_hdr(ROOT / "dataset" / "test" / f"{name}.hdr")
    layers = prepare_picture(picture, FUSED, to_half=True)
    display = checkpoint_info(newest_checkpoint(SHIPPED)).display

    def codes(precision):
        output = Strips(shipped, 3, precision).pictures(layers.high, layers.bot)["output"]
        assert output.dtype == np.float32
        return displayed(output, layers.normalized, "gamma", display).astype(int)

    difference = np.abs(codes("bfloat16") - codes("float32"))
    assert 0 < difference.mean() <= 0.15
    assert np.percentile(difference, 99) <= 1


@pytest.mark.parametrize("no_high_branch", [False, True])
def test_bfloat16_with_the_authors_weights(branches, monkeypatch, no_high_branch):
    small_bands(monkeypatch, 3000)
    load_weights(newest_checkpoint(GOLDEN / "ftlayer"), branches._asdict())
    layers = prepare_picture(scene(150, 203), FUSED._replace(fuse_mid_layers=False))
    arguments = layers.high, layers.bot, PICTURES
    float32 = plain(branches, *arguments[:2], no_high_branch=no_high_branch)
    bfloat16 = Strips(branches, 3, "bfloat16", no_high_branch=no_high_branch).pictures(*arguments)
    for name in PICTURES:
        assert np.abs(bfloat16[name] - float32[name]).mean() < 0.01, name
