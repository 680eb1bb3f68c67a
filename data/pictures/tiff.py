"""Float TIFF pictures through tifffile, and those in LogLuv through OpenCV.

Formats: "TIFF Revision 6.0", Adobe 1992; its Technical Note 3 (predictor 3); G. Ward Larson,
"LogLuv Encoding for Full Gamut, High Dynamic Range Images", Journal of Graphics Tools 3(1), 1998.
"""

import io
import math

import cv2
import numpy as np
import tifffile

from data.pictures import tiff_tags
from data.pictures.icc import to_linear_bt709
from data.pictures.orientation import upright
from data.pictures.sanitize import Remark, as_rgb
from data.pictures.tiff_tags import Directory, read_directory
from system.errors import InputError

_LOGLUV = (34676, 34677)
# None, LZW, deflate of two kinds, PackBits, LERC, LZMA, Zstandard of two kinds.
_COMPRESSIONS = (1, 5, 8, 32946, 32773, 34887, 34925, 34926, 50000)
_GRAY, _RGB, _CFA = 1, 2, 32803


def decode_tiff(data: bytes, name: str, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 from the bytes of a float TIFF or BigTIFF, of 16, 32 or 64 bits.

    The first picture of the file is read and its Orientation applied. With an ICC profile of
    curves and a matrix it becomes linear BT.709.

    Raises:
        InputError: integer samples, another color model, damaged or cut short.
    """
    directory = read_directory(data, name)
    if not directory.is_last:
        remark("holds several pictures, of which the first was read")
    if directory.value(tiff_tags.COMPRESSION) in _LOGLUV:
        image = decode_by_opencv(directory.alone(data))
        if image is None or image.dtype != np.float32:
            raise InputError(
                f"{name}: the LogLuv picture is damaged, or of grey alone (LogL); save it as a "
                "32-bit float TIFF."
            )
        return as_rgb(name, image)
    _check_samples(directory, name)
    try:
        with tifffile.TiffFile(io.BytesIO(directory.alone(data))) as file:
            page = file.pages.first
            if len(page.dataoffsets) < math.prod(page.chunked):
                raise ValueError("strips or tiles are missing")
            image = page.asarray(squeeze=False)
    except Exception as error:  # tifffile and its codecs raise many kinds
        raise InputError(f"{name}: the TIFF is damaged or cut short; get it again.") from error
    planes, _, height, width, samples = image.shape
    if (height, width) != (directory.value(tiff_tags.HEIGHT), directory.value(tiff_tags.WIDTH)):
        raise InputError(f"{name}: the TIFF is damaged or cut short; get it again.")
    with np.errstate(over="ignore"):  # a float64 over the float32 range is an Inf to mend
        image = image.astype(np.float32)
    image = np.moveaxis(image[:, 0], 0, 2).reshape(height, width, planes * samples)
    if directory.value(tiff_tags.PHOTOMETRIC, _RGB) == _RGB and planes * samples > 2:
        image = image[:, :, :3]
    elif planes * samples not in (1, 3, 4):
        remark(f"holds {planes * samples} channels, of which the first was read, as grey")
        image = image[:, :, :1]
    image = upright(as_rgb(name, image), directory.value(tiff_tags.ORIENTATION))
    profile = bytes(directory.tags.get(tiff_tags.ICC_PROFILE, ()))
    return to_linear_bt709(image, profile, remark) if profile else image


def _check_samples(directory: Directory, name: str) -> None:
    """Raise InputError unless they are floats in a way that is read."""
    tags = directory.tags
    bits, photometric = set(tags.get(tiff_tags.BITS, (1,))), directory.value(tiff_tags.PHOTOMETRIC)
    if photometric == _CFA:
        raise InputError(f"{name}: holds camera raw data; rename it to end in .dng.")
    if set(tags.get(tiff_tags.FORMAT, (1,))) != {3} or not bits <= {16, 24, 32, 64}:
        raise InputError(
            f"{name}: {max(bits)}-bit integer or unknown samples are not scene-linear HDR; "
            "save it as a 32-bit float TIFF."
        )
    if photometric not in (_GRAY, _RGB) or len(bits) != 1:
        raise InputError(f"{name}: is neither RGB nor grey; save it as RGB.")
    compression = directory.value(tiff_tags.COMPRESSION)
    if compression not in _COMPRESSIONS:
        raise InputError(
            f"{name}: compression {compression} of float samples is not read; save it with "
            "deflate, LZW or none."
        )


def decode_by_opencv(data: bytes) -> np.ndarray | None:
    """Return H×W or H×W×C, RGB or RGBA, in the file's own type; None where OpenCV cannot."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if image is None or image.ndim == 2:
        return image
    return image[:, :, [2, 1, 0, 3][: image.shape[2]]]
