import numpy as np
import pytest
import tensorflow as tf

from data.datasets import stored_layers
from data.preparation.prepare import Preparation
from data.records.test_records import ARRAYS, decode, encode, inspect, record_file_writer
from system.errors import InputError

PREPARATION = Preparation("linear", "gaussian", True, 3)


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
            writer.write(encode(arrays_of(index, size), f"p{index}", PREPARATION))
    return path


def test_round_trip():
    arrays = arrays_of()
    back = decode(encode(arrays, "dämmerung 1", PREPARATION))
    assert back.pop("stem").numpy().decode() == "dämmerung 1"
    assert back.keys() == arrays.keys()
    for name, array in back.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_inspect(tmp_path):
    info = inspect(write(tmp_path / "x.tfrecord", 5))
    assert (info.kind, info.count, info.preparation) == ("test", 5, PREPARATION)
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
        slow.write(encode(arrays_of(0), "slow", PREPARATION))
        write(path, 3)
        slow.write(encode(arrays_of(1), "slow", PREPARATION))
    assert [stem for stem, _ in stored_layers(path)] == ["slow", "slow"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(small_disk):
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
        encode(arrays, "x", PREPARATION)
