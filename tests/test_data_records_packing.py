import itertools

import numpy as np
import pytest
import zstandard
from conftest import scene

from data.pairs import Pair
from data.pictures import read_hdr, read_sdr, write_hdr, write_sdr
from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.patches import training_patches
from data.preparation.prepare import Preparation, split
from data.preparation.pyramid import decompose
from data.records.examples import Cutting, packed_bytes, pair_bytes, pair_samples, patch_layers
from data.records.packed_samples import pack_sample, unpack_sample
from data.records.packing import LARGEST, pack, pack_rest, unpack, unpack_rest
from data.records.schema import SCHEMA, patch_shapes

PREPARATION = Preparation("gamma", "bilateral", False, 3)


def generated(name, height=37, width=53):
    generator = np.random.default_rng(3)
    shape = (height, width, 3)
    if name == "noise":
        return generator.random(shape, dtype=np.float32)
    if name == "detail":
        return generator.normal(0, 0.05, shape).astype(np.float32)
    if name == "smooth":
        return normalize_hdr(scene(height, width), "gamma")
    if name == "black":
        return np.zeros(shape, np.float32)
    board = np.indices((height, width)).sum(0)[..., None] % 2 * np.array([1, -1, 1])
    return (board * LARGEST * (1 - 2**-24)).astype(np.float32)


@pytest.mark.parametrize("name", ["noise", "detail", "smooth", "black", "checkerboard"])
@pytest.mark.parametrize("shape", [(37, 53), (1, 1), (1, 9), (9, 1), (64, 64)])
def test_each_sample_is_within_half_a_step(name, shape):
    array = generated(name, *shape)
    back = unpack(pack(array), array.shape)
    assert back.dtype == np.float32 and back.shape == array.shape
    assert np.abs(back.astype("f8") - array).max() <= 1 / 65536


def test_what_is_on_the_grid_comes_back_exactly_and_packs_to_the_same_bytes():
    array = np.random.default_rng(0).integers(-(2**15), 2**16, (40, 30, 3)) * np.float32(2**-15)
    data = pack(array.astype(np.float32))
    np.testing.assert_array_equal(unpack(data, array.shape), array)
    assert pack(unpack(data, array.shape)) == data


def test_a_view_packs_like_its_copy():
    array = generated("smooth", 64, 64)[:, ::-1]
    assert pack(array) == pack(array.copy())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 16, -16, 1e30])
def test_samples_that_do_not_fit_are_refused(bad):
    array = generated("noise")
    array[3, 4, 1] = bad
    with pytest.raises(ValueError, match="within ±16"):
        pack(array)


def test_damaged_bytes_are_refused_before_memory_is_taken():
    array = generated("smooth")
    data = pack(array)
    for damaged in (b"", b"abc", data[:-5], data[: len(data) // 2], data[4:]):
        with pytest.raises(ValueError):
            unpack(damaged, array.shape)
    with pytest.raises(ValueError, match="are packed here"):
        unpack(data, (37, 54, 3))
    with pytest.raises(ValueError, match="are packed here"):
        unpack(data, (37 * 53, 3, 1))
    bomb = zstandard.ZstdCompressor().compress(bytes(2**28))
    with pytest.raises(ValueError, match=str(2**28)):
        unpack(bomb, array.shape)


def test_a_rest_comes_back_on_top_of_its_guess():
    rest = np.random.default_rng(0).uniform(-0.003, 0.003, (9, 7, 3)).astype(np.float32)
    guess, back = generated("noise", 9, 7), np.empty((9, 7, 3), np.float32)
    unpack_rest(pack_rest(rest), guess, back)
    assert np.abs(back.astype("f8") - guess - rest).max() <= 1 / 65535
    for bad in (np.nan, np.inf, 0.004, -0.004):
        with pytest.raises(ValueError, match=r"within ±0\.0038"):
            pack_rest(np.full((9, 7, 3), bad, np.float32))
    for damaged in (b"", pack_rest(rest)[:-5], pack_rest(rest[1:]), pack(rest)):
        with pytest.raises(ValueError):
            unpack_rest(damaged, guess, back)


def patch(name):
    """A patch in [0, 1] that is hard on the guess: hard edges, noise, single suns."""
    generator = np.random.default_rng(5)
    if name == "board":
        return np.repeat(np.indices((64, 96)).sum(0)[..., None] // 3 % 2, 3, 2).astype(np.float32)
    if name == "bits":
        return generator.integers(0, 2, (64, 96, 3)).astype(np.float32)
    if name == "suns":
        return (generator.random((64, 96, 1)) > 0.98).astype(np.float32).repeat(3, axis=2)
    return generated(name, 64, 96)


@pytest.mark.parametrize("name", ["board", "bits", "suns", "noise", "smooth", "black"])
@pytest.mark.parametrize(
    ("decompose_filter", "fused", "level_num"),
    list(itertools.product(("bilateral", "gaussian"), (False, True), (1, 3, 5))),
)
def test_each_sample_of_a_record_is_within_its_bound(name, decompose_filter, fused, level_num):
    preparation = Preparation("gamma", decompose_filter, fused, level_num)
    for kind in SCHEMA.keys() - {"test"}:
        arrays = patch_layers(kind, patch(name), patch("smooth"), preparation)
        back = {key: np.full_like(array, np.nan) for key, array in arrays.items()}
        unpack_sample(pack_sample(arrays, preparation), back, preparation)
        for key, array in arrays.items():
            assert np.abs(back[key].astype("f8") - array).max() <= 1 / 65535, key


@pytest.mark.parametrize("name", ["board", "bits", "suns", "noise", "smooth"])
def test_the_disk_stands_in_for_the_bilateral_filter(name):
    exact, guess = (decompose(patch(name), f, False, 3)[0] for f in ("bilateral", "disk"))
    assert np.abs(exact.astype("f8") - guess).max() <= 2e-4


def test_layers_cost_step_2_little():
    """Of a noisy patch, whose detail layer would take as much as the patch itself."""
    packed = pack_sample(patch_layers("ft", *[patch("noise")] * 2, PREPARATION), PREPARATION)
    size = {name: len(data) for name, data in packed.items()}
    assert size["hdr_high"] + size["hdr_bot"] < size["hdr"] / 8, size


@pytest.fixture
def pair(tmp_path):
    hdr = scene(120, 160, 5) * np.random.default_rng(1).uniform(0.9, 1.1, (120, 160, 3))
    write_hdr(tmp_path / "a.hdr", hdr.astype(np.float32))
    write_sdr(tmp_path / "a.png", (255 * (hdr / (1 + hdr)) ** 0.4545).astype(np.uint8))
    return Pair(tmp_path / "a.hdr", tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["dual", "ft"])
@pytest.mark.parametrize(
    "preparation", [PREPARATION, Preparation("linear", "gaussian", True, 2)], ids=["bi", "gauss"]
)
def test_a_pairs_records_hold_its_patches_layers(pair, kind, preparation):
    """The arrays before packing equal the preparation's, and the packed ones to 1/65535."""
    cutting = Cutting(kind, (64, 96), (0.3, 0.7), 3, 7)
    hdr = normalize_hdr(read_hdr(pair.hdr), preparation.data_domain)
    sdr = normalize_sdr(read_sdr(pair.sdr), preparation.data_domain)
    patches = training_patches(hdr, sdr, (64, 96), (0.3, 0.7), 3, np.random.default_rng([7, 4]))
    samples = pair_samples(pair, 4, cutting, preparation)
    assert len(samples) == 3
    shapes = patch_shapes(kind, (64, 96), preparation.level_num)
    for (hdr_patch, sdr_patch), sample in zip(patches, samples, strict=True):
        exact = {"hdr": hdr_patch, "sdr": sdr_patch}
        for name in ("hdr", "sdr"):
            exact[f"{name}_high"], exact[f"{name}_bot"] = split(exact[name], preparation)
        layers = patch_layers(kind, hdr_patch, sdr_patch, preparation)
        assert tuple(layers) == tuple(sample) == SCHEMA[kind]
        back = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
        unpack_sample(sample, back, preparation)
        for name, layer in layers.items():
            np.testing.assert_array_equal(layer, exact[name])
            assert np.abs(back[name].astype("f8") - layer).max() <= 1 / 65535


def test_the_sizes_said_beforehand(pair):
    cutting = Cutting("ft", (64, 96), (0.3, 0.7), 8, 7)
    assert pair_bytes(cutting, 3) == 8 * 4 * 3 * (3 * 64 * 96 + 8 * 12)
    written = sum(len(d) for s in pair_samples(pair, 0, cutting, PREPARATION) for d in s.values())
    judged = packed_bytes(pair, 0, cutting, PREPARATION)
    assert written / 1.5 < judged < written * 1.5
    one = cutting._replace(count=1)
    (sample,) = pair_samples(pair, 0, one, PREPARATION)
    assert packed_bytes(pair, 0, one, PREPARATION) == sum(map(len, sample.values()))
