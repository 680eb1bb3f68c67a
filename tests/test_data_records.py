import itertools
import zlib

import numpy as np
import pytest
import tensorflow as tf
from conftest import scene
from helpers.hdr_files import write_hdr

from data.datasets import stored_layers
from data.pairs import Pair
from data.pictures import read_hdr, read_sdr, write_sdr
from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.prepare import Preparation, split
from data.records.examples import PatchSettings, pack_patch, pair_samples, training_patches
from data.records.index import patch_shapes
from data.records.packing import LAYER_STEP, MAX_SAMPLE, PATCH_STEP, pack, unpack
from data.records.test_records import ARRAYS, decode, encode, inspect, record_file_writer
from system.errors import InputError

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
    if name == "black and white":
        return generator.integers(0, 2, shape).astype(np.float32)
    board = np.indices((height, width)).sum(0)[..., None] % 2 * np.array([1, -1, 1])
    return (board * MAX_SAMPLE * (1 - 2**-24)).astype(np.float32)


@pytest.mark.parametrize(
    "name", ["noise", "detail", "smooth", "black", "black and white", "checkerboard"]
)
@pytest.mark.parametrize("shape", [(37, 53), (1, 1), (1, 9), (9, 1), (64, 64)])
@pytest.mark.parametrize("step", [LAYER_STEP, PATCH_STEP])
def test_each_sample_is_within_half_a_step(name, shape, step):
    array = generated(name, *shape)
    back = unpack(pack(array, step), array.shape, step)
    assert back.dtype == np.float32 and back.shape == array.shape
    rounding = 2**-24 * np.abs(array).max()  # of float32 itself
    assert np.abs(back.astype("f8") - array).max() <= step / 2 + rounding


def test_multiples_of_the_step_come_back_exactly():
    array = np.random.default_rng(0).integers(-(2**15), 2**16, (40, 30, 3)) * LAYER_STEP
    np.testing.assert_array_equal(unpack(pack(array, LAYER_STEP), array.shape, LAYER_STEP), array)


def test_a_view_packs_like_its_copy():
    array = generated("smooth", 64, 64)[:, ::-1]
    assert pack(array, LAYER_STEP) == pack(array.copy(), LAYER_STEP)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 16, -16, 1e30])
def test_samples_that_do_not_fit_are_refused(bad):
    array = generated("noise")
    array[3, 4, 1] = bad
    with pytest.raises(ValueError, match="within ±16"):
        pack(array, LAYER_STEP)


def test_damaged_bytes_are_refused():
    array = generated("smooth")
    data = pack(array, LAYER_STEP)
    bomb = data[:5] + zlib.compress(bytes(2**28))
    for damaged in (b"", b"abc", data[:-5], data[: len(data) // 2], data[4:], bomb):
        with pytest.raises(ValueError, match="these bytes are not"):
            unpack(damaged, array.shape, LAYER_STEP)
    with pytest.raises(ValueError, match="not a packed array of"):
        unpack(data, (37, 54, 3), LAYER_STEP)


@pytest.mark.parametrize("name", ["noise", "smooth", "black and white"])
@pytest.mark.parametrize(
    ("decompose_filter", "fused", "level_num"),
    list(itertools.product(("bilateral", "gaussian"), (False, True), (1, 3, 5))),
)
def test_layers_of_a_stored_patch_are_near_those_of_the_patch(
    name, decompose_filter, fused, level_num
):
    preparation = Preparation("gamma", decompose_filter, fused, level_num)
    patch = generated(name, 64, 96)
    packed = pack_patch("ft", patch, generated("smooth", 64, 96), preparation)
    stored = unpack(packed["hdr"], patch.shape, PATCH_STEP)
    for layer, exact in zip(split(stored, preparation), split(patch, preparation), strict=True):
        assert np.abs(layer.astype("f8") - exact).max() <= 1 / 65535


@pytest.fixture
def pair(tmp_path):
    hdr = scene(120, 160, 5) * np.random.default_rng(1).uniform(0.9, 1.1, (120, 160, 3))
    write_hdr(tmp_path / "a.hdr", hdr.astype(np.float32))
    write_sdr(tmp_path / "a.png", (255 * (hdr / (1 + hdr)) ** 0.4545).astype(np.uint8))
    return Pair(tmp_path / "a.hdr", tmp_path / "a.png")


@pytest.mark.parametrize(
    "preparation", [PREPARATION, Preparation("linear", "gaussian", True, 2)], ids=["bi", "gauss"]
)
def test_a_pairs_records_hold_its_patches_and_their_layers(pair, preparation):
    hdr = normalize_hdr(read_hdr(pair.hdr), preparation.data_domain)
    sdr = normalize_sdr(read_sdr(pair.sdr), preparation.data_domain)
    generator = np.random.default_rng([7, 4])
    patches = list(training_patches(hdr, sdr, (64, 96), (0.3, 0.7), 3, generator))
    for kind, step in (("dual", LAYER_STEP), ("ft", PATCH_STEP)):
        settings = PatchSettings(kind, (64, 96), (0.3, 0.7), 3, 7)
        samples = pair_samples(pair, 4, settings, preparation)
        shapes = patch_shapes(kind, (64, 96), preparation.level_num)
        for (hdr_patch, sdr_patch), sample in zip(patches, samples, strict=True):
            exact = {"hdr": hdr_patch, "sdr": sdr_patch}
            for name in ("hdr", "sdr"):
                exact[f"{name}_high"], exact[f"{name}_bot"] = split(exact[name], preparation)
            for name, data in sample.items():
                array = unpack(data, shapes[name], step)
                assert np.abs(array.astype("f8") - exact[name]).max() <= 1 / 65535, name


TEST_PREPARATION = Preparation("linear", "gaussian", True, 3)


def arrays_of(seed=0, size=16):
    generator = np.random.default_rng(seed)

    def shape(name):
        return (
            (1, 1, 1) if name == "black_offset" else (2, 3, 3) if "bot" in name else (size, 24, 3)
        )

    return {name: generator.normal(size=shape(name)).astype("f4") for name in ARRAYS}


def write(path, count, size=16):
    with record_file_writer(path) as writer:
        for index in range(count):
            writer.write(encode(arrays_of(index, size), f"p{index}", TEST_PREPARATION))
    return path


def test_round_trip():
    arrays = arrays_of()
    back = decode(encode(arrays, "dämmerung 1", TEST_PREPARATION))
    assert back.pop("stem").numpy().decode() == "dämmerung 1"
    assert back.keys() == arrays.keys()
    for name, array in back.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_inspect(tmp_path):
    info = inspect(write(tmp_path / "x.tfrecord", 5))
    assert (info.kind, info.count, info.preparation) == ("test", 5, TEST_PREPARATION)
    assert info.shapes == {name: array.shape for name, array in arrays_of().items()}


def test_another_kind_is_refused(tmp_path):
    features = {"stem": b"x", "hdr_high": b"abc"}
    example = tf.train.Example()
    for name, value in features.items():
        example.features.feature[name].bytes_list.value.append(value)
    with record_file_writer(tmp_path / "x.tfrecord") as writer:
        writer.write(example.SerializeToString())
    with pytest.raises(InputError, match=r"does not hold test records; .* generate_tfrec.py$"):
        inspect(tmp_path / "x.tfrecord")


def test_every_cut_is_noticed(tmp_path):
    path = write(tmp_path / "x.tfrecord", 2)
    whole = path.read_bytes()
    for length in [*range(0, 200), *range(200, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        if length == len(whole) // 2:  # exactly one record is a whole file
            continue
        with pytest.raises(InputError, match=r"x\.tfrecord"):
            inspect(path)


def test_damage_and_absence_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no records at .*gone\.tfrecord"):
        inspect(tmp_path / "gone.tfrecord")
    (tmp_path / "text.tfrecord").write_text("not records at all, but long enough for a header")
    with pytest.raises(InputError, match=r"text\.tfrecord"):
        inspect(tmp_path / "text.tfrecord")


def test_a_failed_writing_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "x.tfrecord", 1)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), record_file_writer(path) as writer:
        writer.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_at_once_do_not_mix_their_records(tmp_path):
    path = tmp_path / "x.tfrecord"
    with record_file_writer(path) as slow:
        slow.write(encode(arrays_of(0), "slow", TEST_PREPARATION))
        write(path, 3)
        slow.write(encode(arrays_of(1), "slow", TEST_PREPARATION))
    assert [stem for stem, _ in stored_layers(path)] == ["slow", "slow"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(disk):
    small_disk = disk(512 << 10)
    path = write(small_disk / "x.tfrecord", 2)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"cannot be written .*[Nn]o space.* as it was"):
        write(path, 100)
    assert path.read_bytes() == before
    assert list(small_disk.iterdir()) == [path]


def test_damage_inside_a_test_record_is_an_error(tmp_path):
    path = write(tmp_path / "x.tfrecord", 2)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        list(stored_layers(path))


def test_wrong_dtype_is_refused():
    arrays = arrays_of()
    arrays["hdr"] = arrays["hdr"].astype("f8")
    with pytest.raises(TypeError, match="float64"):
        encode(arrays, "x", TEST_PREPARATION)
