"""ColorVideoVDP of a tone-mapped picture against its HDR scene, in JOD.

R. K. Mantiuk, P. Hanji, M. Ashraf, Y. Asano and A. Chapiro, "ColorVideoVDP: A visual difference
predictor for image, video and display distortions", SIGGRAPH 2024, by its authors' program, which
requirements-evaluation.txt brings. The picture is seen on a display of 0.4 to 200 cd/m², the
scene beside it at up to 4000 cd/m² and the same log-mean luminance: contrast and color count.
"""

import functools
import importlib.util
import math
import sys

import cv2
import numpy as np

from metrics.pair import check_pair
from standards.pu21 import DISPLAY_BLACK, DISPLAY_WHITE, LEAST, SCENE_WHITE, exposure
from standards.srgb import luminance, srgb_decode_8bit
from system.errors import InputError

REMEDY = "pip install -r requirements-evaluation.txt"
DISPLAY_CONTRAST = 1e6  # of the scene's display; its black is below LEAST and does not count
GEOMETRY = "standard_4k"  # ColorVideoVDP's name of a 30 inch display seen from 0.75 m


def installed():
    """Return whether ColorVideoVDP is there, without the seconds that loading it takes."""
    return importlib.util.find_spec("pycvvdp") is not None


def load():
    """Load ColorVideoVDP where it is installed.

    A process that needs TensorFlow too does so before importing that: loaded after it, PyTorch's
    compiler (triton) crashes the process.

    Raises:
        InputError: it cannot be loaded.
    """
    if installed():
        _meter()


def jod(hdr, sdr):
    """Return how near a picture looks to the scene: 10 is no visible difference.

    Args:
        hdr: H×W×3 linear RGB with BT.709 primaries, any unit; negative samples count as 0.
        sdr: H×W×3 uint8, sRGB-encoded.

    Returns:
        float of at most 10, NaN where ColorVideoVDP is not installed.

    Raises:
        InputError: as metrics.pair.check_pair, the HDR picture is black, or ColorVideoVDP
            cannot be loaded, see `load`.
    """
    hdr, sdr = check_pair(hdr, sdr, side=1)
    hdr = np.maximum(hdr, 0)
    if not hdr.any():
        raise InputError("The HDR picture is black; there is no contrast to compare.")
    shown = srgb_decode_8bit(sdr) * (DISPLAY_WHITE - DISPLAY_BLACK) + DISPLAY_BLACK
    scene = np.clip(hdr * exposure(luminance(hdr), luminance(shown)), LEAST, SCENE_WHITE)
    if not installed():
        return math.nan
    pair = (np.ascontiguousarray(x, np.float32) for x in (shown, scene))
    try:
        return float(_meter().predict(*pair, dim_order="HWC")[0])
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise MemoryError from error  # PyTorch has no kind of its own for it


@functools.cache
def _meter():
    """Return ColorVideoVDP on the CPU, with as many threads as OpenCV has in this process."""
    if "tensorflow" in sys.modules and "torch" not in sys.modules:
        raise InputError("ColorVideoVDP comes before TensorFlow; call metrics.jod.load first")
    try:
        # It takes seconds, and not everybody has it.
        import pycvvdp
        import torch
        from pycvvdp import display_model
    except (ImportError, OSError) as error:
        raise InputError(f"ColorVideoVDP cannot be loaded ({error}); {REMEDY}") from error
    torch.set_num_threads(max(1, cv2.getNumThreads()))
    screen = display_model.vvdp_display_photo_eotf(
        Y_peak=SCENE_WHITE,
        contrast=DISPLAY_CONTRAST,
        source_colorspace="BT.709-linear",
        E_ambient=0,
    )
    geometry = display_model.vvdp_display_geometry.load(GEOMETRY)
    return pycvvdp.cvvdp(
        display_photometry=screen, display_geometry=geometry, device=torch.device("cpu")
    )
