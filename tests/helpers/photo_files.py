"""What cameras and phones write: raw files and JPEG with a gain map."""

import io
import struct

import numpy as np
import tifffile
from PIL import Image

# CIE XYZ to linear BT.709: a camera whose colors are BT.709's.
_CAMERA = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
_WHITE = 60_000

_D50 = struct.pack(">3i", 63190, 65536, 54061)
# Of BT.709 and BT.2020 under D50, as common profiles have them.
BT709 = [(0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]
BT2020 = [(0.6735, 0.2790, -0.0019), (0.1657, 0.6753, 0.0300), (0.1250, 0.0456, 0.7968)]
LINEAR = b"curv" + bytes(8)

_HDRGM = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
_ITEMS = (
    'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    'xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'
)
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description {}>{}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
_ITEM = (
    '<rdf:li rdf:parseType="Resource">'
    '<Container:Item Item:Semantic="{}" Item:Mime="image/jpeg"{}/></rdf:li>'
)


def dng(light, neutral=(1, 1, 1)):
    """Return the bytes of a DNG of H×W×3 linear BT.709 in [0, 1], under an RGGB mosaic.

    `neutral` is what the camera sees of a white object.
    """
    seen = light * neutral
    mosaic = seen[:, :, 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = seen[::2, ::2, 0], seen[1::2, 1::2, 2]

    def rational(numbers):
        return [part for number in np.ravel(numbers) for part in (round(number * 1e4), 10_000)]

    tags = [
        (33421, "H", 2, (2, 2)),  # CFARepeatPatternDim
        (33422, "B", 4, bytes([0, 1, 1, 2])),  # CFAPattern
        (50706, "B", 4, bytes([1, 4, 0, 0])),  # DNGVersion
        (50708, "s", 0, "Test camera"),  # UniqueCameraModel
        (50714, "H", 1, 0),  # BlackLevel
        (50717, "H", 1, _WHITE),  # WhiteLevel
        (50721, 10, 9, rational(_CAMERA)),  # ColorMatrix1
        (50728, 5, 3, rational(neutral)),  # AsShotNeutral
        (50778, "H", 1, 21),  # CalibrationIlluminant1: D65
        (271, "s", 0, "Test"),
        (272, "s", 0, "Camera"),
    ]
    stream, codes = io.BytesIO(), np.rint(mosaic * _WHITE).astype(np.uint16)
    tifffile.imwrite(stream, codes, photometric=32803, metadata=None, extratags=tags)
    return stream.getvalue()


def gain_map_jpeg(codes, gain, stops, **primary):
    """Return the bytes of an Ultra HDR JPEG of the XMP form.

    Args:
        codes: H×W×3 uint8, the SDR picture.
        gain: H×W uint8, the share of `stops` by which the HDR picture is brighter.
        stops: log2 of the largest gain.
        primary: what Pillow is to write into the SDR picture.
    """
    numbers = {"GainMapMin": 0, "GainMapMax": stops, "Gamma": 1, "OffsetSDR": 0, "OffsetHDR": 0}
    numbers |= {"HDRCapacityMin": 0, "HDRCapacityMax": stops, "BaseRenditionIsHDR": "False"}
    attributes = " ".join(f'hdrgm:{name}="{value}"' for name, value in numbers.items())
    second = _jpeg(gain, _XMP.format(f"{_HDRGM} {attributes}", ""))
    length = f' Item:Length="{len(second)}"'
    items = _ITEM.format("Primary", "") + _ITEM.format("GainMap", length)
    directory = f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"
    return _jpeg(codes, _XMP.format(f"{_HDRGM} {_ITEMS}", directory), **primary) + second


def _jpeg(codes, xmp, **how):
    stream = io.BytesIO()
    picture = Image.fromarray(codes)
    picture.save(stream, "JPEG", quality=98, subsampling=0, xmp=xmp.encode(), **how)
    return stream.getvalue()


def icc_profile(colorants, curve):
    """A profile of curves and a matrix: XYZ under _D50 of red, green and blue, and a TRC."""
    tags = {b"desc": b"desc" + struct.pack(">4xI", 5) + b"mine\0" + bytes(78)}
    for color, xyz in zip((b"r", b"g", b"b"), colorants, strict=True):
        numbers = [round(number * 65536) for number in xyz]
        tags |= {color + b"XYZ": struct.pack(">4s4x3i", b"XYZ ", *numbers), color + b"TRC": curve}
    tags[b"wtpt"] = b"XYZ " + bytes(4) + _D50
    start, table, data = 132 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        table += struct.pack(">4sII", key, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    header = (
        struct.pack(">I4xI12s12x4s28x", start + len(data), 0x02400000, b"mntrRGB XYZ ", b"acsp")
        + _D50
    )
    return header + bytes(48) + struct.pack(">I", len(tags)) + table + data
