"""Ways to damage a file: what fuzz_readers.py does to the seeds."""

import re
import struct
import zlib

import numpy as np

# Numbers at which sizes, counts and offsets go wrong.
NUMBERS = (0, 1, 2, 7, 127, 128, 255, 256, 30000, 32767, 32768, 65535, 65536, 2**24)
NUMBERS += (2**28, 2**31 - 1, 2**31, 2**32 - 1)
_PNG = b"\x89PNG\r\n\x1a\n"


def damaged(data: bytes, partner: bytes, rng: np.random.Generator) -> bytes:
    """Return `data` with one to four kinds of damage; `partner` is a file to splice with."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not out:
            break
        damage = _KINDS[rng.integers(len(_KINDS))]
        damage(out, partner, rng)
    # A checksum that fails would end the reading of a PNG before anything else is tried.
    return _with_checksums(bytes(out)) if out[:8] == _PNG and rng.random() < 0.7 else bytes(out)


def _place(out, rng):
    # Half of the damage goes to the first bytes, where the headers are.
    reach = len(out) if rng.random() < 0.5 else min(len(out), 120)
    return int(rng.integers(reach))


def _flip(out, partner, rng):
    for _ in range(rng.integers(1, 5)):
        out[_place(out, rng)] ^= 1 << int(rng.integers(8))


def _byte(out, partner, rng):
    out[_place(out, rng)] = int(rng.integers(256))


def _number(out, partner, rng):
    layout = "<>"[rng.integers(2)] + "HIQ"[rng.integers(3)]
    value = NUMBERS[rng.integers(len(NUMBERS))] & (2 ** (8 * struct.calcsize(layout)) - 1)
    raw = struct.pack(layout, value)
    place = _place(out, rng)
    out[place : place + len(raw)] = raw[: max(1, len(out) - place)]


def _decimal(out, partner, rng):
    found = list(re.finditer(rb"\d+", bytes(out[:300])))
    if found:
        match = found[rng.integers(len(found))]
        sign = b"-" if rng.random() < 0.1 else b""
        out[match.start() : match.end()] = sign + b"%d" % NUMBERS[rng.integers(len(NUMBERS))]


def _cut(out, partner, rng):
    del out[rng.integers(len(out)) :]


def _remove(out, partner, rng):
    place = _place(out, rng)
    del out[place : place + int(rng.integers(1, 33))]


def _insert(out, partner, rng):
    place = _place(out, rng)
    out[place:place] = rng.bytes(int(rng.integers(1, 17)))


def _repeat(out, partner, rng):
    place = _place(out, rng)
    out[place:place] = out[place : place + int(rng.integers(1, 65))] * int(rng.integers(1, 9))


def _fill(out, partner, rng):
    place, count = _place(out, rng), int(rng.integers(1, 33))
    count = min(count, len(out) - place)
    out[place : place + count] = bytes([(0, 1, 127, 128, 255)[rng.integers(5)]]) * count


def _splice(out, partner, rng):
    place = _place(out, rng)
    out[place:] = partner[int(rng.integers(len(partner))) :]


_KINDS = (_flip, _flip, _byte, _number, _number, _decimal, _cut, _remove, _insert, _repeat)
_KINDS += (_fill, _splice)


def _with_checksums(data):
    out, position = bytearray(data), 8
    while position + 12 <= len(out):
        (length,) = struct.unpack_from(">I", out, position)
        end = position + 8 + length
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[position + 4 : end]))
        position = end + 4
    return bytes(out)
