"""HDR files for the tests: the project itself writes none."""

import io
from pathlib import Path

import cv2
import numpy as np
import OpenEXR


def write_hdr(path, image):
    """Write H×W×3 float32 scene-linear RGB as .hdr, .exr (float), .pfm or .npy.

    All but .hdr keep the samples exactly. RGBE in .hdr keeps 8 bits of the brightest
    channel of a pixel and cuts the others off at the same step.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".npy":
        np.save(path, image)
    else:
        Path(path).write_bytes(ENCODERS[suffix](image))


def encode_rgbe(image):
    return cv2.imencode(".hdr", image[:, :, ::-1])[1].tobytes()


def encode_exr(image):
    stream = io.BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGB": np.ascontiguousarray(image)}).write(stream)
    return stream.getvalue()


def encode_pfm(image):
    height, width = image.shape[:2]
    return b"PF\n%d %d\n-1.0\n" % (width, height) + image[::-1].astype("<f4").tobytes()


ENCODERS = {".hdr": encode_rgbe, ".exr": encode_exr, ".pfm": encode_pfm}
