"""OpenEXR pictures through the OpenEXR package.

Luminance and chroma: "Technical Introduction to OpenEXR", section Luminance/Chroma Images.
"""

import contextlib
import io

import cv2
import numpy as np
import OpenEXR

from data.pictures.color import as_bt709
from data.pictures.exr_header import Header, read_headers
from data.pictures.exr_layers import Layer, choose
from data.pictures.sanitize import Remark
from standards.primaries import BT709, rgb_to_xyz
from system.errors import InputError

_MAX_SIDE_OF_WARP = 2**15 - 1  # OpenCV's


def decode_exr(data: bytes, name: str, remark: Remark, layer: str | None = None) -> np.ndarray:
    """Return H×W×3 float32 of the display window from the bytes of an EXR file.

    Outside the data window it is black. Chromaticities are converted to BT.709; with an
    adoptedNeutral that becomes white, without one colours stay as they are.

    Args:
        data, name: of the file.
        remark: hears what had to be guessed.
        layer: see data.pictures.exr_layers.choose.

    Raises:
        InputError: damaged, cut short, deep, subsampled, integer, or without R, G, B or Y.
    """
    data, headers = read_headers(data, name)
    parts = [(header.name, header.sampling) for header in headers]
    chosen = choose(parts, name, layer, remark)
    header = headers[chosen.part]
    sampling = [header.sampling[channel] for channel in chosen.channels]
    if any(steps != (1, 1) for steps in (sampling[:1] if chosen.is_chroma else sampling)):
        raise InputError(f"{name}: has subsampled channels; save them all in full size.")
    planes = _planes(data, name, chosen)
    primaries = header.chromaticities or BT709
    if chosen.is_chroma:
        planes = _from_chroma(planes, sampling, primaries)
    if any(plane.shape != planes[0].shape for plane in planes):
        raise InputError(f"{name}: the channels differ in size; save them all in full size.")
    image = _interleaved(planes)
    if len(planes) == 3:
        image = as_bt709(image, primaries, header.neutral, remark)
    if not abs(header.pixel_aspect - 1) < 1e-3:
        remark(f"has pixels {header.pixel_aspect:.4g} times as wide as high and is not resized")
    return _in_display_window(image, header, remark)


def _planes(data: bytes, name: str, chosen: Layer) -> list[np.ndarray]:
    """Return the channels of a layer, half or float."""
    try:
        # A part that cannot be decoded is left out, with a line on Python's standard output.
        with contextlib.redirect_stdout(io.StringIO()):
            parts = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts
        part = next(part for part in parts if part.part_index == chosen.part)
        planes = [part.channels[channel].pixels for channel in chosen.channels]
    except Exception as error:  # the bindings pass on many kinds
        raise InputError(f"{name}: the pixels are damaged or cut short; get it again.") from error
    if any(plane.dtype.kind != "f" for plane in planes):
        raise InputError(f"{name}: holds integer (UINT) channels; save half or float ones.")
    return planes


def _interleaved(planes: list[np.ndarray]) -> np.ndarray:
    """Return H×W×3 float32; OpenCV converts halves in a third of NumPy's time."""
    planes = [cv2.multiply(plane, 1, dtype=cv2.CV_32F) for plane in planes]  # type: ignore[call-overload]
    return cv2.merge(planes * (3 // len(planes)))


def _from_chroma(planes, sampling, primaries):
    """Return R, G and B from Y, RY = (R - Y) / Y and BY = (B - Y) / Y."""
    luminance, *planes = (plane.astype(np.float32) for plane in planes)
    red, blue = (
        (_enlarged(plane, luminance.shape, steps) + 1) * luminance
        for plane, steps in zip(planes, sampling[1:], strict=True)
    )
    try:
        weights = rgb_to_xyz(primaries)[1]
    except ValueError:  # as_bt709 tells
        weights = rgb_to_xyz(BT709)[1]
    green = (luminance - weights[0] * red - weights[2] * blue) / weights[1]
    return [red, green, blue]


def _enlarged(plane, shape, steps):
    """Enlarge bilinearly; samples lie at the pixels that the steps divide."""
    if max(*shape, *plane.shape) > _MAX_SIDE_OF_WARP:
        return cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_NEAREST)
    places = np.array([[1 / steps[0], 0, 0], [0, 1 / steps[1], 0]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, places, shape[::-1], flags=how, borderMode=cv2.BORDER_REPLICATE)


def _in_display_window(image, header: Header, remark: Remark):
    left, top, right, bottom = header.display_window
    x, y = header.data_window[:2]
    if header.data_window == header.display_window:
        return image
    part = image[max(top - y, 0) : max(bottom - y, 0), max(left - x, 0) : max(right - x, 0)]
    if part.shape[:2] == (bottom - top, right - left):
        return np.ascontiguousarray(part)
    remark("holds data for a part of its display window; the rest is black")
    window = np.zeros((bottom - top, right - left, 3), np.float32)
    y, x = max(y - top, 0), max(x - left, 0)
    window[y : y + part.shape[0], x : x + part.shape[1]] = part
    return window
