"""HDR files for the tests: the project itself writes none."""

import io
import struct
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


def saved_exr(channels, codec="ZIP", **header):
    """Return the bytes of an EXR file."""
    compression = getattr(OpenEXR, f"{codec}_COMPRESSION")
    header = {"type": OpenEXR.scanlineimage, "compression": compression, **header}
    stream = io.BytesIO()
    OpenEXR.File(header, channels).write(stream)
    return stream.getvalue()


def encode_exr(image):
    return saved_exr({"RGB": np.ascontiguousarray(image)})


def encode_pfm(image):
    height, width = image.shape[:2]
    return b"PF\n%d %d\n-1.0\n" % (width, height) + image[::-1].astype("<f4").tobytes()


ENCODERS = {".hdr": encode_rgbe, ".exr": encode_exr, ".pfm": encode_pfm}


def radiance(body, height, width, header=b"FORMAT=32-bit_rle_rgbe\n", resolution=None):
    resolution = resolution or b"-Y %d +X %d" % (height, width)
    return b"#?RADIANCE\n" + header + b"\n" + resolution + b"\n" + body


def channel_runs(row):
    """New run-length encoding: runs of three or more, literals otherwise."""
    out = bytearray([2, 2, len(row) >> 8, len(row) & 255])
    for samples in row.T.tolist():
        start = 0
        while start < len(samples):
            end = start
            while end < len(samples) and end - start < 127 and samples[end] == samples[start]:
                end += 1
            if end - start > 2:
                out += bytes([128 + end - start, samples[start]])
            else:
                end = min(start + 5, len(samples))
                out += bytes([end - start, *samples[start:end]])
            start = end
    return bytes(out)


def tiff(image, order="<", sample_format=3, planar=1, **changed):
    """A file with one strip and its directory behind it; `changed` overrides tags."""
    height, width, channels = image.shape
    data = image.astype(image.dtype.newbyteorder(order)).tobytes()
    tags = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [image.itemsize * 8] * channels),
        259: ("H", [1]),
        262: ("H", [2 if channels > 2 else 1]),
        273: ("I", [8]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(data)]),
        284: ("H", [planar]),
        338: ("H", [2] if channels == 4 else []),
        339: ("H", [sample_format] * channels),
    }
    for tag, value in changed.items():
        tags[int(tag[1:])] = value
    tags = {tag: value for tag, value in tags.items() if value[1]}
    start = 8 + len(data)
    extra_at = start + 2 + 12 * len(tags) + 4
    directory, extra = struct.pack(order + "H", len(tags)), b""
    for tag, (code, values) in tags.items():
        raw = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(raw) > 4:
            raw, extra = struct.pack(order + "I", extra_at + len(extra)), extra + raw
        directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[code], len(values))
        directory += raw.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", start) + data + directory + bytes(4) + extra
