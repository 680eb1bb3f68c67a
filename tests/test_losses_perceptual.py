"""The perceptual loss, and the one pickle that the project reads: nothing in it runs."""

import os
import pickle
import struct

import numpy as np
import pytest

from losses.perceptual import PerceptualLoss, load_vgg16, read_arrays
from system.errors import InputError

KERNEL = np.arange(3 * 3 * 2 * 4, dtype=np.float32).reshape(3, 3, 2, 4)
TABLE = {"conv1_1": [KERNEL, KERNEL[0, 0, 0].copy()], "fc8": (KERNEL.astype(">f8"),)}


NOISE = np.random.default_rng(0).random((1, 32, 40, 3), dtype="f4")


def header():
    text = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def saved(path, table, protocol):
    """Write as numpy.save does, in any protocol."""
    path.write_bytes(header() + pickle.dumps(np.array(table, object), protocol))
    return path


def python2_bytes(value):
    """A text of Python 2, in protocol 2."""
    return b"T" + struct.pack("<i", len(value)) + value


def python2_array(array):
    """What Python 2's cPickle writes of an array: samples and names are texts of bytes."""
    shape = b"(" + b"".join(b"K" + bytes([side]) for side in array.shape) + b"t"
    name = python2_bytes(array.dtype.str[1:].encode())
    dtype = (
        b"cnumpy\ndtype\n(" + name + b"K\0K\1tR(K\3U\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    )
    start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR"
    return start + b"(K\1" + shape + dtype + b"\x89" + python2_bytes(array.tobytes()) + b"tb"


def python2_file(table):
    items = b"".join(
        python2_bytes(name.encode()) + b"]" + b"(" + b"".join(map(python2_array, arrays)) + b"e"
        for name, arrays in table.items()
    )
    start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR"
    dtype = b"cnumpy\ndtype\n(U\2O8K\0K\1tR(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    outer = b"\x80\2" + start + b"(K\1(t" + dtype + b"\x89]" + b"}(" + items + b"ua" + b"tb."
    return header() + outer


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_of_every_protocol(tmp_path, protocol):
    path = saved(tmp_path / "a.npy", TABLE, protocol)
    table = read_arrays(path)
    assert table.keys() == TABLE.keys()
    for array, expected in zip(table["conv1_1"], TABLE["conv1_1"], strict=True):
        np.testing.assert_array_equal(array, expected)
    np.testing.assert_array_equal(table["fc8"][0], KERNEL)


def test_numpys_own_writing_and_columns(tmp_path):
    np.save(tmp_path / "a.npy", {"a": [np.asfortranarray(KERNEL)]}, allow_pickle=True)
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.npy")["a"][0], KERNEL)


def test_python_2(tmp_path):
    table = {"conv1_1": [KERNEL + 200, KERNEL[0, 0, 0]], "conv1_2": [KERNEL]}
    path = tmp_path / "vgg16.npy"
    path.write_bytes(python2_file(table))
    # The hand-made bytes are what numpy itself takes for such a file.
    reference = np.load(path, allow_pickle=True, encoding="latin1").item()
    read = read_arrays(path)
    assert read.keys() == reference.keys() == table.keys()
    for name, arrays in table.items():
        for array, expected, other in zip(read[name], arrays, reference[name], strict=True):
            np.testing.assert_array_equal(array, expected)
            np.testing.assert_array_equal(array, other)


class Malicious:
    def __init__(self, call, *arguments):
        self.call = call, arguments

    def __reduce__(self):
        return self.call


def malicious(marker):
    """Objects whose unpickling leaves a file behind, in the places of a table's parts."""
    code = f"open({str(marker)!r}, 'w')"
    for bad in (
        Malicious(os.system, f"touch {marker}"),
        Malicious(eval, code),
        Malicious(exec, code),
        Malicious(np.memmap, str(marker), "u1", "w+", 0, (1,)),
        Malicious(np.fromfile, str(marker)),
    ):
        yield {"conv1_1": [bad, KERNEL]}
        yield {bad: [KERNEL, KERNEL]}
        yield bad


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_does_not_run(tmp_path, protocol):
    marker, path = tmp_path / "ran", tmp_path / "vgg16.npy"
    ran = 0
    for table in malicious(marker):
        saved(path, table, protocol)
        with pytest.raises(InputError, match=r"vgg16\.npy: not the VGG-16 weights"):
            load_vgg16(str(path))
        with pytest.raises(pickle.UnpicklingError):
            read_arrays(path)
        assert not marker.exists()
        try:  # the counter-proof: numpy would have run it
            np.load(path, allow_pickle=True)
        except Exception:
            continue
        finally:
            ran += marker.exists()
            marker.unlink(missing_ok=True)
    assert ran >= 12


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"#?RADIANCE\n",
        header(),
        header() + b"\x80\2K\1.",
        header() + b"\x80\2}.",
        header() + b"cnumpy\ndtype\n(U\2i4tR.",
        header() + b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(K\0tU\1btR.",
        header() + pickle.dumps(np.array({"a": np.array([None, 1])}, object)),
        header() + pickle.dumps(np.array([1, 2], object)),
        header() + pickle.dumps(np.array({"a": KERNEL}, object))[:-60],
        header() + b"c_codecs\nencode\n(X\1\0\0\0aX\4\0\0\0zlibtR.",
    ],
)
def test_anything_else_is_refused(tmp_path, content):
    path = tmp_path / "vgg16.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"vgg16\.npy: not the VGG-16 weights"):
        load_vgg16(str(path))


def array_with_dtype(name, flags, samples):
    """A pickled table whose one array says that its dtype has these flags."""
    start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR"
    dtype = b"cnumpy\ndtype\n(U" + bytes([len(name)]) + name + b"K\0K\1tR(K\3U\1<NNN"
    dtype += b"J\xff\xff\xff\xff" * 2 + b"K" + bytes([flags]) + b"tb"
    array = start + b"(K\1(K\2t" + dtype + b"\x89" + python2_bytes(samples) + b"tb"
    outer = b"cnumpy\ndtype\n(U\2O8K\0K\1tR(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    table = b"}(" + python2_bytes(b"a") + b"](" + array + b"eu"
    return header() + b"\x80\2" + start + b"(K\1(t" + outer + b"\x89](" + table + b"etb."


def test_flags_of_a_dtype_have_no_effect(tmp_path):
    path, samples = tmp_path / "a.npy", np.array([1.5, 2.5], "f8").tobytes()
    path.write_bytes(array_with_dtype(b"f8", 0x3F, samples))  # as if they were pointers
    np.testing.assert_array_equal(read_arrays(path)["a"][0], [1.5, 2.5])
    for name, length in ((b"O8", 16), (b"f8", 15), (b"f8", 24), (b"i8", 16), (b"f8,i8", 32)):
        path.write_bytes(array_with_dtype(name, 0, bytes(length)))  # pointers as if they were none
        with pytest.raises(ValueError):
            read_arrays(path)


def test_arrays_file_without_pickle_is_refused(tmp_path):
    np.save(tmp_path / "vgg16.npy", KERNEL)
    with pytest.raises(InputError, match=r"vgg16\.npy"):
        load_vgg16(str(tmp_path / "vgg16.npy"))


def test_vgg16_npy_is_read(tmp_path, vgg_weights):
    path = tmp_path / "vgg16.npy"
    np.save(path, vgg_weights)
    weights = load_vgg16(str(path))
    np.testing.assert_array_equal(weights["conv5_1"][0], vgg_weights["conv5_1"][0])
    loss = PerceptualLoss(weights)
    a, b = NOISE[:, :, :32], NOISE[:, :, ::-1][:, :, :32]
    assert float(loss(a, a)) == 0
    assert float(loss(a, b)) > 0.01


def test_odd_sizes_are_pooled_with_padding(vgg_weights):
    features = PerceptualLoss(vgg_weights).features(NOISE[:, :25, :27])
    assert [f.shape[1:3] for f in features] == [(25, 27), (13, 14), (7, 7), (4, 4), (2, 2)]


@pytest.mark.parametrize("content", [None, b"no numpy file", {"conv1_1": [np.zeros(3)]}])
def test_bad_vgg16_is_one_sentence(tmp_path, content):
    path = tmp_path / "vgg16.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.save(path, content)
    with pytest.raises(InputError, match=r"vgg16\.npy.*model\.loss_vgg"):
        load_vgg16(str(path))
