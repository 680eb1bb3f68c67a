"""Between the network's picture and that of a plain operator."""

import numpy as np

from metrics.operators.classical import KEY, reinhard_global


def weakened(
    picture: np.ndarray, scene: np.ndarray, strength: float, exposure: float = 0.0
) -> np.ndarray:
    """Mix a displayed picture with the one that Reinhard's global operator makes.

    Args:
        picture: H×W×3 uint8 or uint16, display-encoded.
        scene: H×W×3 linear RGB of the same picture, finite and not negative.
        strength: 1 gives `picture` itself, 0 Reinhard's.
        exposure: of Reinhard's, in stops.

    Returns:
        The same shape and type; a black scene's is `picture`.
    """
    if strength == 1 or not scene.any():
        return picture
    plain = reinhard_global(scene, KEY * 2.0**exposure, dtype=picture.dtype)
    return blend(plain, picture, strength)


def blend(first: np.ndarray, second: np.ndarray, strength: float) -> np.ndarray:
    """Return codes between two pictures of one type, `first` at strength 0, `second` at 1."""
    difference = np.float32(second) - first
    return np.rint(first + np.float32(strength) * difference).astype(second.dtype)
