"""Every other ending that imageio reads: https://imageio.readthedocs.io/en/stable/formats"""

import os

import imageio.v3 as iio
import numpy as np

from data.pictures.sanitize import Remark, as_rgb, check_claim, check_size
from system.errors import InputError
from system.files import suffix_of

_RATIO = 2_000  # where deflate ends on a blank picture


def read_other(name: str, held: int, wanted: str, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 from a file whose samples imageio gives as floats.

    Args:
        name: of the file, whose suffix tells imageio the format.
        held: bytes in it.
        wanted: endings to give instead, for the message.
        remark: hears that the primaries are not known.

    Raises:
        InputError: imageio does not read it, or the samples are integers.
    """
    try:
        with iio.imopen(os.path.abspath(name), "r") as file:
            shape = file.properties().shape
            if len(shape) > 1:
                check_size(name, *shape[:2])
            check_claim(name, int(np.prod(shape)), held, _RATIO)
            image = file.read()
    except InputError:
        raise
    except Exception as error:  # each of its plugins raises its own
        raise InputError(
            f"{name}: '{suffix_of(name)}' is no HDR suffix; give one of {wanted}."
        ) from error
    if image.dtype.kind != "f":
        raise InputError(
            f"{name}: holds {image.dtype} samples, no scene-linear ones; give one of {wanted}."
        )
    remark("was read by imageio; its samples were taken to be linear BT.709")
    with np.errstate(over="ignore"):  # a float64 over the float32 range is an Inf to mend
        return as_rgb(name, image.astype(np.float32))
