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


def subsampled_exr(height, width, planes):
    """A file without compression; the bindings write no subsampled channels.

    Args:
        planes: dict from a channel's name to (float32 samples, step in x and y).
    """

    def attribute(name, kind, value):
        return b"%s\0%s\0" % (name, kind) + struct.pack("<I", len(value)) + value

    planes = dict(sorted(planes.items()))
    channels = b"".join(
        name.encode() + struct.pack("<xiiii", 2, 0, step, step)
        for name, (_, step) in planes.items()
    )
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    data = b"v/1\x01\2\0\0\0" + attribute(b"channels", b"chlist", channels + b"\0")
    data += attribute(b"compression", b"compression", b"\0")
    data += attribute(b"dataWindow", b"box2i", box) + attribute(b"displayWindow", b"box2i", box)
    data += attribute(b"lineOrder", b"lineOrder", b"\0")
    data += attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1))
    data += attribute(b"screenWindowCenter", b"v2f", bytes(8))
    data += attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)) + b"\0"
    lines = []
    for y in range(height):
        rows = [plane[y // step] for plane, step in planes.values() if y % step == 0]
        samples = b"".join(row.astype("<f4").tobytes() for row in rows)
        lines.append(struct.pack("<iI", y, len(samples)) + samples)
    starts = np.cumsum([len(data) + 8 * height, *map(len, lines[:-1])])
    return data + starts.astype("<u8").tobytes() + b"".join(lines)


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
