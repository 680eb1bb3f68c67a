import time
import tracemalloc

import cv2
import numpy as np
import pytest
from helpers.hdr_files import channel_runs, radiance

from data.pictures import radiance as module
from data.pictures import read_hdr_with_remarks
from standards.primaries import rgb_to_xyz
from system.errors import InputError

RNG = np.random.default_rng(0)


def decode_radiance(data, name, remarks=None):
    return module.decode_radiance(data, name, [].append if remarks is None else remarks.append)


def decoded(rgbe):
    """The definition, sample by sample in float64."""
    scale = np.where(rgbe[..., 3:] > 0, np.ldexp(1.0, rgbe[..., 3:].astype(int) - 136), 0)
    return rgbe[..., :3] * scale


def random_rgbe(height, width):
    rgbe = RNG.integers(128, 160, (height, width, 4), dtype=np.uint8)
    rgbe[:, width // 3 : width // 2] = rgbe[:, width // 3, None]
    rgbe[0, 0, 3] = 0
    return rgbe


@pytest.mark.parametrize("width", [1, 7, 8, 300, 32767, 32768])
def test_flat_and_new_runs(width):
    rgbe = random_rgbe(3, width)
    bodies = [rgbe.tobytes()]
    if 8 <= width <= 32767:
        rows = [channel_runs(row) for row in rgbe]
        bodies += [b"".join(rows), rgbe[0].tobytes() + b"".join(rows[1:])]  # the last is mixed
    for body in bodies:
        image = decode_radiance(radiance(body, 3, width), "a")
        assert image.dtype == np.float32
        assert image.flags.c_contiguous
        np.testing.assert_array_equal(image, decoded(rgbe))


def test_all_exponents():
    rgbe = np.full((1, 256, 4), 200, np.uint8)
    rgbe[0, :, 3] = range(256)
    image = decode_radiance(radiance(rgbe.tobytes(), 1, 256), "a")
    np.testing.assert_array_equal(image, decoded(rgbe))


def test_old_runs():
    # Repeats of 3, then of 2 + 1·256 (a run of two digits), then one that starts afresh.
    body = bytes([9, 8, 7, 130, 1, 1, 1, 3, 5, 5, 5, 129, 1, 1, 1, 2, 1, 1, 1, 1])
    body += bytes([4, 4, 4, 128, 1, 1, 1, 1])
    rows = [[9, 8, 7, 130]] * 4 + [[5, 5, 5, 129]] * 259 + [[4, 4, 4, 128]] * 2
    rgbe = np.array([rows, rows], np.uint8)
    image = decode_radiance(radiance(body * 2, 2, len(rows)), "a")
    np.testing.assert_array_equal(image, decoded(rgbe))


def test_new_runs_of_wide_pixels_are_old_ones():
    # 2, 2 with a third byte over 127 is an ordinary pixel.
    rgbe = np.full((1, 8, 4), (2, 2, 200, 130), np.uint8)
    image = decode_radiance(radiance(rgbe.tobytes(), 1, 8), "a")
    np.testing.assert_array_equal(image, decoded(rgbe))


@pytest.mark.parametrize("y", "-+")
@pytest.mark.parametrize("x", "-+")
@pytest.mark.parametrize("columns", [False, True])
def test_orientations(y, x, columns):
    upright = random_rgbe(3, 9)
    stored = upright[:: 1 if y == "-" else -1, :: 1 if x == "+" else -1]
    resolution = f"{y}Y 3 {x}X 9"
    if columns:
        stored, resolution = stored.transpose(1, 0, 2), f"{x}X 9 {y}Y 3"
    data = radiance(stored.tobytes(), 0, 0, resolution=resolution.encode())
    image = decode_radiance(data, "a")
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, decoded(upright))


def test_exposure_and_colorcorr():
    rgbe = random_rgbe(2, 3)
    header = b"# note\r\nEXPOSURE=2\nEXPOSURE= 4.0\nCOLORCORR=1 0.5 2\n"
    image = decode_radiance(radiance(rgbe.tobytes(), 2, 3, header), "a")
    np.testing.assert_array_equal(image, decoded(rgbe) / [8, 4, 16])


@pytest.mark.parametrize("key", [b"EXPOSURE", b"COLORCORR", b"PRIMARIES"])
@pytest.mark.parametrize("value", [b"0", b"-1", b"x", b"", b"nan", b"inf", b"1 2"])
def test_a_value_without_sense_counts_as_absent(key, value):
    # FreeImage, and so imageio's HDR-FI, writes EXPOSURE=0.
    rgbe, remarks = random_rgbe(1, 2), []
    data = radiance(rgbe.tobytes(), 1, 2, key + b"=" + value + b"\nEXPOSURE=2\n")
    np.testing.assert_array_equal(decode_radiance(data, "a", remarks), decoded(rgbe) / 2)
    assert len(remarks) == 1 and key.decode() in remarks[0]


def test_exposures_whose_product_has_no_sense():
    rgbe, remarks = random_rgbe(1, 2), []
    data = radiance(rgbe.tobytes(), 1, 2, b"EXPOSURE=1e200\n" * 2)
    np.testing.assert_array_equal(decode_radiance(data, "a", remarks), decoded(rgbe))
    assert "product" in remarks[0]


@pytest.mark.parametrize(
    "header, remarked",
    [
        (b"VIEW= -vtv\n#?RADIANCE\npvalue -h -H +y 1 +x 2\nFORMAT=32-bit_rle_rgbe\n", False),
        (b"BM is no bitmap here\nFORMAT=32-bit_rle_rgbe\n", False),
        (b"FORMAT=32-bit_rle_rgbe\n", False),
        (b"nothing known\n", True),
    ],
)
def test_the_magic_line_may_come_late_or_never(tmp_path, header, remarked):
    rgbe, path = np.full((1, 2, 4), 200, np.uint8), tmp_path / "a.pic"
    path.write_bytes(header + b"\n-Y 1 +X 2\n" + rgbe.tobytes())
    image, remarks = read_hdr_with_remarks(path)
    np.testing.assert_array_equal(image, decoded(rgbe))
    assert any("neither" in remark for remark in remarks) == remarked


BT2020 = "0.708 0.292 0.170 0.797 0.131 0.046 0.3127 0.3290"


@pytest.mark.parametrize(
    "primaries, expected",
    [
        # White stays white; the others are ITU-R BT.2087-0, M2.
        (BT2020, [[100, 100, 100], [166.05, -12.46, -1.82], [-58.76, 113.29, -10.06]]),
        ("0 0 0 0 0 0 0 0", None),
        ("0.640 0.330 0.290 0.600 0.150 0.060 0.333 0.333", None),  # Radiance's own
        ("0.64 0.33 0.3 0.6 0.15 0.06 0.3127 0.329", None),
    ],
)
def test_primaries(primaries, expected):
    rgbe = np.array([[[100, 100, 100, 136], [100, 0, 0, 136], [0, 100, 0, 136]]], np.uint8)
    data = radiance(rgbe.tobytes(), 1, 3, f"PRIMARIES= {primaries}\n".encode())
    remarks = []
    image = decode_radiance(data, "a", remarks)
    np.testing.assert_allclose(image[0], rgbe[0, :, :3] if expected is None else expected, atol=0.1)
    assert not remarks


def test_white_of_primaries_with_the_equal_energy_white_stays_white():
    header = b"PRIMARIES=0.68 0.32 0.265 0.69 0.15 0.06 0.3333 0.3333\n"
    image = decode_radiance(radiance(bytes([100, 100, 100, 136]), 1, 1, header), "a")
    np.testing.assert_allclose(image, 100, atol=0.2)


def test_xyze_is_balanced_to_the_equal_energy_white():
    # 179 lumens to the watt. Ward: red is 0.64, 0.33 and white 1/3, 1/3.
    red = rgb_to_xyz((0.64, 0.33, 0.29, 0.6, 0.15, 0.06, 1 / 3, 1 / 3))[:, 0] * 179
    rgbe = np.array([[[179, 179, 179, 136], [*np.rint(red), 136], [0, 0, 255, 137]]], np.uint8)
    image = decode_radiance(radiance(rgbe.tobytes(), 1, 3, b"FORMAT=32-bit_rle_xyze\n"), "a")
    np.testing.assert_allclose(image[0, :2], [[1, 1, 1], [1, 0, 0]], atol=0.02)
    assert image[0, 2, 2] > 1
    assert image[0, 2, 0] < 0  # out of gamut, left for `clean`


def test_equals_opencv():
    scene = np.exp(RNG.normal(0, 3, (40, 300, 3))).astype(np.float32)
    scene[:, 50:200] = 3.5
    scene[5, 5] = 0
    data = cv2.imencode(".hdr", scene)[1]
    expected = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    assert expected.max() > 1
    np.testing.assert_array_equal(decode_radiance(data.tobytes(), "a"), expected)


@pytest.mark.parametrize("encode", [channel_runs, np.ndarray.tobytes])
def test_truncation_names_the_scanline(encode):
    data = radiance(b"".join(encode(row) for row in random_rgbe(3, 9)), 3, 9)
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_radiance(data[:end], "a")
    with pytest.raises(InputError, match="scanline 3 of 3"):
        decode_radiance(data[:-1], "a")


@pytest.mark.parametrize(
    "body",
    [
        b"\2\2\0\7" + bytes(40),  # another length
        b"\2\2\0\10" + b"\0" * 40,  # empty run
        b"\2\2\0\10" + b"\x89\5" * 40,  # 9 samples in a row of 8
        b"\1\1\1\2" + b"\5\5\5\x80" * 8,  # nothing to repeat
        b"\5\5\5\x80\1\1\1\10" + b"\5\5\5\x80" * 8,  # over the end
        b"\5\5\5\x80" + b"\1\1\1\0" * 8,  # runs of nothing
    ],
)
def test_damaged_scanlines(body):
    with pytest.raises(InputError, match="in scanline 1 of 1"):
        decode_radiance(radiance(body, 1, 8), "a")


@pytest.mark.parametrize(
    "data",
    [
        b"P6 nothing",
        b"#?RADIANCE\nFORMAT=float\n\n-Y 1 +X 1\n" + bytes(4),
        b"#?RADIANCE\n\n-Y 1 +Y 1\n" + bytes(4),
        b"#?RADIANCE\n\n1 1\n" + bytes(4),
        b"#?RADIANCE\n\n-Y 0 +X 9\n" + bytes(4),
        b"#?RADIANCE\n\n-Y 9 +X 0\n" + bytes(4),
        b"#?RADIANCE\n\n-Y 9999999999 +X 9\n" + bytes(4),
    ],
)
def test_bad_headers(data):
    with pytest.raises(InputError, match=r"^a: "):
        decode_radiance(data, "a")


def test_memory_follows_the_bytes():
    # Enough bytes to make 4096×32767 possible by old runs, but they are no scanlines.
    data = radiance(b"\2\2\x7f\xff" + bytes(12 * 4096), 4096, 32767)
    tracemalloc.start()
    with pytest.raises(InputError, match="scanline 1 of 4096"):
        decode_radiance(data, "a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_speed():
    scene = np.exp(RNG.normal(0, 2, (500, 2000, 3))).astype(np.float32)
    scene[:, ::2] = scene[:, 1::2]
    data = cv2.imencode(".hdr", scene)[1].tobytes()
    start = time.process_time()
    decode_radiance(data, "a")
    assert time.process_time() - start < 3  # a megapixel; 0.2 s on an ordinary core
