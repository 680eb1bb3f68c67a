"""Camera raw files through LibRaw, in the rawpy package: https://www.libraw.org/docs"""

import io

import numpy as np

from data.pictures.sanitize import Remark, check_claim, check_size
from system.errors import InputError

try:
    import rawpy
except ImportError:  # requirements-formats.txt
    rawpy = None  # type: ignore[assignment]

RAW_SUFFIXES = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
_MAX_CODE = 65535
# Where lossless JPEG ends on a blank picture, and deflate on one of floats.
_RATIO = 2_000


def decode_raw(data: bytes, name: str, remark: Remark, to_half: bool = False) -> np.ndarray:
    """Return H×W×3 float32, linear BT.709 from 0 to 1, of a camera raw file.

    The white balance is the camera's, exposure and contrast are left alone, and the
    orientation is applied.

    Args:
        data, name: of the file.
        remark: hears of a file without the camera's white balance.
        to_half: make one pixel of four sensels, without interpolation.

    Raises:
        InputError: rawpy is missing, or the file is none that it reads, damaged or cut short.
    """
    if rawpy is None:
        raise InputError(
            f"{name}: camera raw files need rawpy; pip install -r requirements-formats.txt."
        )
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            height, width = raw.sizes.raw_height, raw.sizes.raw_width
            check_size(name, height, width)
            check_claim(name, 2 * height * width, len(data), _RATIO)
            if not any(raw.camera_whitebalance):
                remark("has no white balance of the camera; that of daylight was taken")
            codes = raw.postprocess(
                gamma=(1, 1),
                no_auto_bright=True,
                use_camera_wb=True,
                output_color=rawpy.ColorSpace.sRGB,
                output_bps=16,
                half_size=to_half,
            )
    except InputError:
        raise
    except Exception as error:  # rawpy raises many kinds
        raise InputError(
            f"{name}: is no camera raw file that LibRaw reads, or damaged; get it again."
        ) from error
    return codes * np.float32(1 / _MAX_CODE)
