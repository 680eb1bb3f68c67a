"""Every kind of picture file that is bad, or odd but good: what test_bad_files.py gives away."""

import io
import os

import cv2
import numpy as np
import OpenEXR
from conftest import scene

from helpers.hdr_files import encode_exr, encode_pfm, radiance, saved_exr, tiff

SCENE = scene(64, 72, 3)
HEADER = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n"
NPY = b"\x93NUMPY\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"


def bad_files():
    """Yield (name, bytes, word of the message) of files that cannot be read."""
    for suffix in ("hdr", "pic", "exr", "pfm", "tif", "tiff", "npy"):
        yield f"empty.{suffix}", b"", "empty"
        yield f"text.{suffix}", b"this is no picture, whatever it is called\n" * 9, ";"
        yield f"zeros.{suffix}", bytes(500), ";"
    yield from _truncated()
    yield from _sizes()
    kinds = {"jpg": "JPEG", "png": "PNG", "bmp": "BMP", "webp": "WebP"}
    for suffix, kind in kinds.items():
        codes = cv2.imencode(f".{suffix}", np.full((64, 72, 3), 99, np.uint8))[1].tobytes()
        yield f"really {suffix}.hdr", codes, f"8-bit picture ({kind})"
    for suffix in ("exr", "pfm", "tif", "npy"):
        yield f"really webp.{suffix}", codes, f"8-bit picture (WebP) named .{suffix}"
    yield "really gif.hdr", b"GIF89a" + bytes(90), "not a Radiance picture"
    codes = tiff(np.full((64, 72, 3), 99, np.uint8), sample_format=1)
    yield "really tif.hdr", codes, "rename it to end in .tif"
    yield "8 bits.tif", codes, "8-bit integer"
    yield "really exr.hdr", encode_exr(SCENE), "rename it to end in .exr"
    yield "really hdr.exr", HEADER, "rename it to end in .hdr"
    yield "really pfm.npy", encode_pfm(SCENE), "rename it to end in .pfm"
    yield "only nan.pfm", encode_pfm(np.full((64, 72, 3), np.nan)), "no sample is a finite"
    yield "only inf.exr", encode_exr(np.full((64, 72, 3), np.inf, "f4")), "no sample is a finite"
    samples = np.empty((64, 72), object)
    for index in np.ndindex(64, 72):
        samples[index] = np.ones(1, np.float32)
    deep = dict.fromkeys("RGB", samples)
    yield "deep.exr", saved_exr(deep, "ZIPS", type=OpenEXR.deepscanline), "flatten it"
    layers = {f"{layer}.{c}": SCENE[:, :, 0].copy() for layer in ("left", "right") for c in "RGB"}
    yield "two layers, no default.exr", saved_exr(layers, "ZIP"), "layers left, right"
    yield "line\nbreak.hdr", HEADER, "line\\nbreak.hdr"
    yield "\x1b[31mred.hdr", HEADER, "\\x1b[31mred.hdr"
    yield os.fsdecode(b"latin-1 b\xe4d.hdr"), HEADER, "latin-1 b"


def _truncated():
    rgbe = np.full((64, 72, 4), 130, np.uint8)
    hdr = radiance(rgbe.tobytes(), 64, 72)
    line = hdr.index(b"-Y")
    pixels = hdr.index(b"\n", line) + 1
    places = {"magic": 1, "header": 20, "before resolution": line, "resolution": line + 4}
    places |= {"no pixels": pixels, "first line": pixels + 100, "last line": len(hdr) - 1}
    for place, end in places.items():
        yield f"cut {place}.hdr", hdr[:end], ";"
    exr, npy = encode_exr(SCENE), _npy(SCENE)
    for end in (3, 8, 100, 340, len(exr) // 2, len(exr) - 1):
        yield f"cut {end}.exr", exr[:end], "cut short"
    for name, data in (("pfm", encode_pfm(SCENE)), ("npy", npy), ("tif", tiff(SCENE))):
        for end in (2, 5, 9, len(data) // 2, len(data) - 1):
            yield f"cut {end}.{name}", data[:end], ";"


def _sizes():
    for height, width in ((0, 72), (64, 0), (30000, 30000)):
        word = "claims" if height == width else "×"
        yield f"{height} {width}.hdr", radiance(bytes(9), height, width).ljust(100, b"\0"), word
        yield f"{height} {width}.pfm", (b"PF\n%d %d\n-1\n" % (width, height)).ljust(99, b"\0"), word
        npy = NPY % b"%d, %d, 3" % (height, width)
        yield f"{height} {width}.npy", npy.ljust(80) + bytes(20), word
        tags = {"t256": ("I", [width]), "t257": ("I", [height])}
        yield f"{height} {width}.tif", tiff(SCENE[:1, :1], **tags), word
        exr = encode_exr(SCENE[:1, :1])
        window = np.array([0, 0, 0, 0], "<i4").tobytes()
        claim = np.array([0, 0, width - 1, height - 1], "<i4").tobytes()
        yield f"{height} {width}.exr", exr.replace(window, claim), ";"
    pixel = np.ones((1, 1, 3), np.float32)
    data = {"hdr": radiance(b"\x80\x80\x80\x80", 1, 1), "exr": encode_exr(pixel)}
    data |= {"pfm": encode_pfm(pixel), "npy": _npy(pixel), "tif": tiff(pixel)}
    for suffix, content in data.items():
        yield f"one pixel.{suffix}", content, "1x1 pixels are too few"
    yield "small.npy", _npy(SCENE[:55]), "72x55 pixels are too few"


def odd_files():
    """Yield (name, bytes) of files that are odd but good."""
    for value in (np.nan, np.inf, -np.inf, -1, 1e-42, 1e30, 3e38):
        odd = SCENE.copy()
        odd[5, 7] = value
        yield f"one {value} npy.npy", _npy(odd)
        yield f"one {value} exr.exr", encode_exr(odd)
    for value in (0, 1e-42, 1e-30, 1, 3e38):
        yield f"all {value}.pfm", encode_pfm(np.full((64, 72, 3), value, "f4"))
    yield "all negative.npy", _npy(-SCENE)
    wide = SCENE.astype("f8")
    wide[5, 7] = 1e300
    yield "over float32.npy", _npy(wide)
    yield "black.hdr", radiance(bytes(64 * 72 * 4), 64, 72)
    yield "grey.npy", _npy(SCENE[:, :, 0])
    yield "grey 2.exr", saved_exr({"Y": SCENE[:, :, 0].copy()}, "PIZ")
    yield "grey 3.pfm", b"Pf\n72 64\n-1\n" + SCENE[:, :, 0].tobytes()
    yield "alpha.exr", saved_exr({"RGBA": np.dstack([SCENE, SCENE[:, :, 0]])}, "ZIP")
    yield "alpha 2.npy", _npy(np.dstack([SCENE, SCENE[:, :, 0]]))
    red = SCENE[:, :, 0].copy()
    layers = {**{c: SCENE[:, :, i].copy() for i, c in enumerate("RGB")}, "left.R": red}
    yield "two layers.exr", saved_exr(layers, "ZIP")
    good = encode_exr(SCENE)
    for name in ("with space", "ünïcødé 写真", "-dash", "two.dots", "%s {0} $HOME `id` 'q' \"q\""):
        yield f"{name}.exr", good
    yield "n" * 246 + ".exr", good
    yield "m" * 251 + ".exr", good  # as long as a name can be
    yield "good\nline.exr", good
    yield os.fsdecode(b"latin-1 caf\xe9.exr"), good
    yield "same.exr", good
    yield "same.npy", _npy(SCENE)
    for letter in "ab":
        yield letter + "s" * 250 + ".exr", good
    yield "a" + "s" * 250 + ".npy", _npy(SCENE)


def _npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
