"""The Orientation tag of Exif and TIFF: Exif 2.32, section 4.6.4."""

import numpy as np
from PIL import ExifTags, Image


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Return H×W×C turned and mirrored as its Orientation, 1 to 8, wants; others count as 1."""
    if orientation in (5, 6, 7, 8):  # the stored rows are columns
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def orientation_of(picture: Image.Image) -> int:
    """Return the Orientation in a picture's Exif, 1 where it has none or is damaged."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises many kinds
        return 1
