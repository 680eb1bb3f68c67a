import numpy as np
import pytest
import tensorflow as tf

from data.datasets import steps_per_epoch, stored_layers, training_batches
from data.errors import InputError
from data.prepare import Preparation
from data.tfrecord import SCHEMA, RecordWriter, decode, encode, inspect

PREPARATION = Preparation("linear", "gaussian", True, 3)


def arrays_of(kind, seed=0, size=16):
    generator = np.random.default_rng(seed)

    def shape(name):
        return (1, 1, 1) if name == "floor" else (2, 3, 3) if "bot" in name else (size, 24, 3)

    return {name: generator.normal(size=shape(name)).astype("f4") for name in SCHEMA[kind]}


def write(path, kind, count, size=16):
    with RecordWriter(path) as writer:
        for index in range(count):
            record = encode(kind, arrays_of(kind, index, size), f"p{index}", PREPARATION, 4)
            writer.write(record)
    return path


@pytest.mark.parametrize("kind", SCHEMA)
def test_round_trip(kind):
    arrays = arrays_of(kind)
    back = decode(kind, encode(kind, arrays, "dämmerung 1", PREPARATION))
    assert back.pop("stem").numpy().decode() == "dämmerung 1"
    assert back.keys() == arrays.keys()
    for name, array in back.items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.parametrize("kind", SCHEMA)
def test_inspect(tmp_path, kind):
    info = inspect(write(tmp_path / "x.tfrecord", kind, 5), kind)
    assert (info.kind, info.count, info.preparation) == (kind, 5, PREPARATION)
    assert info.patch_per_img == 4
    assert info.shapes == {name: array.shape for name, array in arrays_of(kind).items()}


def test_another_kind_is_refused(tmp_path):
    path = write(tmp_path / "x.tfrecord", "dual", 2)
    with pytest.raises(InputError, match=r"other records .* --phase training --ft"):
        inspect(path, "ft")


def test_every_cut_is_noticed(tmp_path):
    path = write(tmp_path / "x.tfrecord", "test", 2)
    whole = path.read_bytes()
    for length in [*range(0, 200), *range(200, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        if length == len(whole) // 2:  # exactly one record is a whole file
            continue
        with pytest.raises(InputError, match=r"x\.tfrecord"):
            inspect(path, "test")


def test_damage_and_absence_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no records at .*gone\.tfrecord"):
        inspect(tmp_path / "gone.tfrecord", "test")
    (tmp_path / "text.tfrecord").write_text("not records at all, but long enough for a header")
    with pytest.raises(InputError, match=r"text\.tfrecord"):
        inspect(tmp_path / "text.tfrecord", "test")


def test_a_failed_writing_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "x.tfrecord", "test", 1)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), RecordWriter(path) as writer:
        writer.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_damage_inside_a_test_record_is_an_error(tmp_path):
    path = write(tmp_path / "x.tfrecord", "test", 2)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        list(stored_layers(path))


def test_wrong_dtype_is_refused():
    arrays = arrays_of("test")
    arrays["hdr"] = arrays["hdr"].astype("f8")
    with pytest.raises(TypeError, match="float64"):
        encode("test", arrays, "x", PREPARATION)


@pytest.mark.parametrize(
    ("records", "batch", "steps"),
    [(1952, 4, 488), (1952, 32, 61), (1952, 8, 244), (9, 4, 2), (11, 4, 3), (1, 8, 1)],
)
def test_steps_per_epoch(records, batch, steps):
    assert steps_per_epoch(records, batch) == steps


def epoch_order(path, stage, kind, **changes):
    arguments = {"batch_size": 4, "info": inspect(path, kind), "seed": 0, "epoch": 0, **changes}
    return [y.numpy() for _, y in training_batches(path, stage, **arguments)]


@pytest.mark.parametrize(("stage", "kind"), [("high", "dual"), ("bot", "dual"), ("ft", "ft")])
def test_batches(tmp_path, stage, kind):
    path = write(tmp_path / "x.tfrecord", kind, 11)
    batches = epoch_order(path, stage, kind)
    assert [len(batch) for batch in batches] == [4, 4, 3]
    seen = {sample.tobytes() for batch in batches for sample in batch}
    name = "sdr" if stage == "ft" else f"sdr_{stage}"
    assert seen == {arrays_of(kind, index)[name].tobytes() for index in range(11)}


def test_the_order_is_new_each_epoch_and_repeats_with_the_seed(tmp_path):
    path = write(tmp_path / "x.tfrecord", "dual", 11)
    first, again, later, other = (
        np.concatenate(epoch_order(path, "bot", "dual", epoch=e, seed=s)).tobytes()
        for e, s in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    assert first == again
    assert len({first, later, other}) == 3


def test_skip_goes_on_within_the_epoch(tmp_path):
    path = write(tmp_path / "x.tfrecord", "ft", 11)
    whole = epoch_order(path, "ft", "ft")
    rest = epoch_order(path, "ft", "ft", skip=1)
    assert len(rest) == 2
    for a, b in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(a, b)


def test_patches_of_other_sizes_are_an_error(tmp_path):
    path = tmp_path / "x.tfrecord"
    with RecordWriter(path) as writer:
        for size in (16, 16, 8):
            writer.write(encode("dual", arrays_of("dual", size=size), "p", PREPARATION))
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        epoch_order(path, "high", "dual")
