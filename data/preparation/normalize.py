"""Bring a picture to [0, 1] as the network expects it.

The steps and their order are the original's: clip the brightest samples,
min-max over all channels together, then the gamma of the data domain.
"""

import cv2
import numpy as np

CLIPPED_FRACTION = 0.003
DARKEST_LIGHT = 2.0**-24  # of the brightest sample; what is darker counts as no light
FIREFLY = 2.0**12  # a single pixel so many times over its neighbors is not of the scene
GAMMA = 0.4545
SDR_GAMMA = 2.2  # brings display codes to light in the linear domain


def clip_highlights(image, exposure=0.0):
    """Clip an H×W×3 float picture from above at its k-th largest sample, over 2^exposure.

    k = int(H·W·3·0.003). Where the original's picture would be empty nothing is clipped:
    if k = 0 (it took the minimum for the limit), and if fewer than k samples have light.
    A single pixel far over the limit and its neighbors, a renderer's firefly, is first
    brought down to its neighbors.
    """
    k = int(image.size * CLIPPED_FRACTION)
    if k == 0:
        return image
    limit = _kth_largest(image, k)
    if 0 < limit < image.max() / FIREFLY:
        image = without_fireflies(image, limit)
        limit = _kth_largest(image, k)
    if limit == image.min() or limit <= image.max() * DARKEST_LIGHT:
        return image
    return np.minimum(image, limit * 2.0**-exposure)


def without_fireflies(image, limit):
    """Take samples that are FIREFLY times the limit and their neighbors to the neighbors'.

    The neighbors' is the opening of H×W×3 by 2×2 pixels, which leaves no single pixel.
    """
    square = np.ones((2, 2), np.uint8)
    opened = cv2.dilate(cv2.erode(image, square, anchor=(1, 1)), square, anchor=(0, 0))
    return np.where(image > np.maximum(opened, limit) * FIREFLY, opened, image)


def _kth_largest(image, k):
    return np.partition(image, image.size - k, axis=None)[image.size - k]


def minmax(image):
    """Stretch a float array to [0, 1] over all its samples.

    A constant array becomes zeros: there is no contrast to stretch.
    """
    return stretch(image, image.min(), image.max())


def stretch(image, low, high):
    """Take `low` to 0 and `high` to 1; where they are equal, everything to 0."""
    if high == low:
        return np.zeros_like(image)
    return (image - low) / (high - low)


def normalize_hdr(image, domain):
    """Turn a scene-linear picture of any scale into the network's input.

    Args:
        image: H×W×3 float32, linear RGB, finite and not negative.
        domain: "gamma" raises the result to the power 0.4545, "linear" does not.

    Returns:
        H×W×3 float32 in [0, 1].
    """
    return normalize_hdr_with_offset(image, domain)[0]


def normalize_hdr_with_offset(image, domain, exposure=0.0):
    """Return (what normalize_hdr does, the light that min-max took away).

    The second is a float in units of the first's linear range: linear samples plus it
    have the scene's ratios again. 1 for a constant picture that is not black.

    exposure: in stops, see clip_highlights.
    """
    clipped = clip_highlights(np.asarray(image, np.float32), exposure)
    low, high = float(clipped.min()), float(clipped.max())
    black_offset = low / (high - low) if high > low else float(low > 0)
    stretched = stretch(clipped, low, high)
    if domain == "gamma":
        stretched = np.power(stretched, np.float32(GAMMA))
    return stretched, black_offset


def normalize_sdr(image, domain):
    """Turn a display-encoded picture into the ground truth of training.

    Args:
        image: H×W×3 of any number type, sRGB codes.
        domain: "gamma" leaves the codes encoded, "linear" raises them to 2.2.

    Returns:
        H×W×3 float32 in [0, 1].
    """
    stretched = minmax(np.asarray(image, np.float32))
    return np.power(stretched, np.float32(SDR_GAMMA)) if domain == "linear" else stretched


def halve(image):
    """Resize H×W×3 to half of each side, bilinear, at least one pixel."""
    height, width = image.shape[:2]
    size = (max(1, width // 2), max(1, height // 2))
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


def crop_to_multiple(image, step):
    """Crop H×W×3 at the top left to sides that are multiples of `step`."""
    height, width = image.shape[:2]
    return image[: height - height % step, : width - width % step]
