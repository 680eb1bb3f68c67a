"""The arrays of one training record as bytes, each sample within 1/65535.

The layers of step 1 are packed as they are. A record of step 2 holds the patch
that its layers were made of. Made of the packed patch, they come out a little
off for its rounding, and off by more with a filter that takes a fifth of the
bilateral one's time; what they are off by is all that is stored of them.
Imports no TensorFlow.
"""

import numpy as np

from data.preparation.prepare import split
from data.records.packing import STEP, pack, pack_rest, unpack, unpack_rest

# What stands in for each filter of data.preparation.pyramid when layers are guessed.
_STAND_INS = {"bilateral": "disk", "gaussian": "gaussian"}


def pack_sample(arrays, preparation):
    """Return the dict from array name to bytes of one record.

    Args:
        arrays: dict from array name (data.records.schema.SCHEMA) to H×W×3 float32 array.
        preparation: the Preparation that made the layers.

    Raises:
        ValueError: a sample is not finite or too large, or hdr_high and hdr_bot are not
            the layers of hdr.
    """
    guesses = {}
    if "hdr" in arrays:
        guesses = _guessed(np.rint(arrays["hdr"] / STEP) * STEP, preparation)
    return {
        name: pack_rest(array - guesses[name]) if name in guesses else pack(array)
        for name, array in arrays.items()
    }


def unpack_sample(packed, arrays, preparation):
    """Fill the arrays with what one record's bytes hold.

    Args:
        packed: dict from array name to bytes; the arrays wanted, of step 2 all.
        arrays: dict from the same names to H×W×3 float32 arrays to fill.
        preparation: the Preparation that made the layers.

    Raises:
        ValueError: the bytes are not those of such arrays.
    """
    guesses = {}
    if "hdr" in arrays:
        unpack(packed["hdr"], arrays["hdr"].shape, arrays["hdr"])
        guesses = _guessed(arrays["hdr"], preparation)
    for name, array in arrays.items():
        if name in guesses:
            unpack_rest(packed[name], guesses[name], array)
        elif name != "hdr":
            unpack(packed[name], array.shape, array)


def _guessed(hdr, preparation):
    stand_in = _STAND_INS[preparation.decompose_filter]
    high, bot = split(hdr, preparation._replace(decompose_filter=stand_in))
    return {"hdr_high": high, "hdr_bot": bot}
