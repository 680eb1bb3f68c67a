"""Read vgg16.npy, which is a pickle by nature, without running what a pickle may ask for.

The file is a 0-dimensional object array (numpy.lib.format) whose one element is a dict
from layer name to [kernel, bias], pickled by Python 2 or 3. A pickle names functions to
call; here only arrays are made, and by stand-ins, so that no bytes of the file reach
numpy's own __setstate__.
"""

import pickle

import numpy as np


def read_arrays(path):
    """Return the dict of a pickled .npy file: str to list, tuple or dict of arrays.

    Raises:
        OSError: it cannot be read.
        pickle.UnpicklingError, ValueError and others: it is damaged, or holds anything else
            than arrays of numbers, dict, list, tuple, str.
    """
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(file)
        if shape != () or dtype.kind != "O":
            raise ValueError(f"an array {shape} of {dtype}, not one pickled object")
        # Text of Python 2 stays bytes: that is where it keeps the samples.
        outer = _ArraysAlone(file, encoding="bytes").load()
    if not isinstance(outer, _Array) or outer.dtype.finished().kind != "O":
        raise ValueError("no pickled object array")
    (table,) = outer.samples
    if not isinstance(table, dict):
        raise ValueError(f"a {type(table).__name__}, not a dict")
    return _finished(table)


class _ArraysAlone(pickle.Unpickler):
    """An unpickler to which arrays are the only things that a file may have made."""

    def find_class(self, module, name):
        """Return the stand-in of numpy's name, or refuse."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            module = "numpy.multiarray"
        try:
            return _MADE[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not an array") from None


class _Array:
    """Stands for numpy.ndarray while a pickle is read."""

    def __setstate__(self, state):
        _, self.shape, self.dtype, self.by_columns, self.samples = state

    def finished(self):
        """Return the numpy array; ValueError where its parts disagree."""
        dtype = self.dtype.finished()
        if dtype.kind == "O":
            raise ValueError("an object array inside the object array")
        array = np.frombuffer(self.samples, dtype)
        return array.reshape(self.shape, order="F" if self.by_columns else "C")


class _Dtype:
    """Stands for numpy.dtype: numbers of 2, 4 or 8 bytes, or object."""

    def __init__(self, name, align=False, copy=False):
        name = name.decode() if isinstance(name, bytes) else name
        if name not in ("f2", "f4", "f8", "O", "O8", "O4"):
            raise pickle.UnpicklingError(f"an array of {name!r} holds no weights")
        self.name, self.order = name, "<"

    def __setstate__(self, state):
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        self.order = order if order in ("<", ">") else "="

    def finished(self):
        """Return the numpy dtype."""
        return np.dtype(object if self.name[0] == "O" else self.order + self.name)


def _reconstruct(subtype, shape, kind):
    if subtype is not _Array:
        raise pickle.UnpicklingError("an array of another class")
    return _Array()


def _encode(text, encoding):
    """Python 3 writes bytes so under the old protocols."""
    if encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"bytes in {encoding!r}")
    return text.encode("latin1")


_MADE = {
    "numpy.multiarray._reconstruct": _reconstruct,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "_codecs.encode": _encode,
}


def _finished(value):
    """Turn the stand-ins into arrays and Python 2's text into str."""
    if isinstance(value, dict):
        return {_finished(key): _finished(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finished(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin1")
    return value.finished() if isinstance(value, _Array) else value
