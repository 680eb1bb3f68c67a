"""Ultra HDR: a JPEG of a displayed picture with a gain map that leads back to the scene.

Format: "Ultra HDR Image Format v1.1", Google 2024, whose map is that of ISO 21496-1 and of "Gain
map specification", Adobe 2023: log2((scene + offset) / (picture + offset)) in linear light. A
viewer that does not know the map shows the displayed picture.
"""

import io

import numpy as np
from PIL import Image

from data.pictures.sdr import exif, srgb_profile
from standards.srgb import srgb_decode

STOPS = 4.0  # over display white; what is brighter is cut off
OFFSET = 2.0**-10  # of both lights; larger ones take precision from shadows, smaller from the map
_MAP_QUALITY = 100
_HDRGM = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
_CONTAINER = "http://ns.google.com/photos/1.0/container/"


def encode_ultrahdr(image: np.ndarray, scene: np.ndarray, quality: int) -> bytes:
    """Return an Ultra HDR JPEG, tagged as encode_sdr's.

    Args:
        image: H×W×3 uint8, sRGB codes, the displayed picture.
        scene: H×W×3 linear RGB with BT.709 primaries, not negative; 1 is display white.
        quality: of the displayed picture, 0 to 100.
    """
    # 4:4:4. The map has no YCbCr either, whose rounding is several of its steps.
    base = {"quality": quality, "subsampling": 0, "icc_profile": srgb_profile(), "exif": exif()}
    shown = _decoded(_saved(image, base))
    light = np.minimum(scene, 2**STOPS)
    gain = np.log2((light + OFFSET) / (srgb_decode(shown) + OFFSET))
    low, high = float(gain.min()), float(gain.max())
    codes = np.rint((gain - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
    headroom = np.log2(max(light.max(), 2))
    fields = {
        "GainMapMin": low,
        "GainMapMax": max(high, low + 1e-6),
        "Gamma": 1,
        "OffsetSDR": OFFSET,
        "OffsetHDR": OFFSET,
        "HDRCapacityMin": 0,
        "HDRCapacityMax": headroom,
    }
    texts = (f'hdrgm:{name}="{value:.7f}"' for name, value in fields.items())
    settings = {
        **{"quality": _MAP_QUALITY, "subsampling": 0, "keep_rgb": True},
        **{"icc_profile": None, "exif": b"", "xmp": _xmp(f"{_HDRGM} {' '.join(texts)}")},
    }
    size = len(_saved(codes, settings))
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{name}" '
        f'Item:Mime="image/jpeg"{length}/></rdf:li>'
        for name, length in (("Primary", ""), ("GainMap", f' Item:Length="{size}"'))
    )
    names = f'xmlns:Container="{_CONTAINER}" xmlns:Item="{_CONTAINER}item/" {_HDRGM}'
    directory = f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"
    gain_map = Image.fromarray(codes)
    gain_map.encoderinfo = settings
    both = {"format": "MPO", "save_all": True, "append_images": [gain_map]}
    return _saved(image, {**base, **both, "xmp": _xmp(names, directory)})


def _saved(image: np.ndarray, settings: dict) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, **{"format": "JPEG", **settings})
    return file.getvalue()


def _decoded(jpeg: bytes) -> np.ndarray:
    """Return the float32 codes of a JPEG in [0, 1], without the rounding of whole RGB codes."""
    picture = Image.open(io.BytesIO(jpeg))
    picture.draft("YCbCr", picture.size)
    zero = np.array([0, 128, 128], np.float32)
    y, blue, red = np.moveaxis(np.asarray(picture, np.float32) - zero, -1, 0)
    # ITU-T T.871 (JFIF), section 7.
    rgb = (y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue)
    return np.clip(np.stack(rgb, -1) / 255, 0, 1)


def _xmp(attributes: str, content: str = "") -> bytes:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">'
        f"<rdf:Description {attributes}>{content}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
