"""NumPy array files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""

import io
import math

import numpy as np

from data.pictures.sanitize import Remark, as_rgb, check_claim, check_size
from system.errors import InputError


def decode_npy(data: bytes, name: str, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 from the bytes of a .npy file of H×W[×1|×3|×4] floats.

    The header is checked against the file before the samples are looked at, and
    no pickle is ever loaded.

    Raises:
        InputError: no .npy, cut short, not floats or not a picture.
    """
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)[0]
        read_header = getattr(np.lib.format, f"read_array_header_{version}_0")
        shape, column_major, dtype = read_header(stream)
        if any(isinstance(side, bool) for side in shape):  # which counts as an int
            raise ValueError(shape)
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        raise InputError(f"{name}: the .npy header is damaged; save the array again.") from error
    if dtype.kind != "f":
        raise InputError(f"{name}: holds {dtype}, not floats; save scene-linear float32 samples.")
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise InputError(f"{name}: the array is {shape}; save H×W, H×W×1, H×W×3 or H×W×4.")
    check_size(name, shape[0], shape[1])
    count = math.prod(shape)
    check_claim(name, count * dtype.itemsize, len(data) - stream.tell())
    samples = np.frombuffer(data, dtype, count, stream.tell())
    with np.errstate(over="ignore"):  # a float64 over the float32 range is an Inf to mend
        image = samples.astype(np.float32).reshape(shape, order="F" if column_major else "C")
    return as_rgb(name, image)
