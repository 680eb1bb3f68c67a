import numpy as np
import pytest

from data.pictures.sanitize import as_rgb, check_size, clean, looks_display_encoded
from system.errors import InputError


def test_clean():
    nan, inf = np.nan, np.inf
    image = np.array([[[nan, inf, -inf], [-1, 3, 0]]], np.float32)
    mended, counts = clean(image)
    np.testing.assert_array_equal(mended, [[[0, 3, 0], [0, 3, 0]]])
    assert counts == (1, 1, 2)
    assert np.isnan(image[0, 0, 0])  # the input is left alone


def test_clean_leaves_a_good_picture():
    image = np.ones((2, 2, 3), np.float32)
    mended, counts = clean(image)
    assert mended is image
    assert counts == (0, 0, 0)


def test_clean_infinity_over_negatives():
    mended, _ = clean(np.array([np.inf, -2], np.float32))
    np.testing.assert_array_equal(mended, [0, 0])


def test_clean_refuses_nothing_finite():
    with pytest.raises(InputError, match=r"a\.hdr: no sample"):
        clean(np.full((2, 2, 3), np.inf, np.float32), "a.hdr")


def test_as_rgb():
    grey = np.arange(6.0).reshape(2, 3)
    for image in (grey, grey[:, :, None]):
        rgb = as_rgb("a", image)
        assert rgb.shape == (2, 3, 3)
        assert (rgb == grey[:, :, None]).all()
    assert as_rgb("a", np.zeros((2, 3, 4))).shape == (2, 3, 3)
    with pytest.raises(InputError, match="2×3×2"):
        as_rgb("a", np.zeros((2, 3, 2)))


def test_check_size():
    check_size("a", 1, 2**16)
    for height, width in ((0, 5), (5, 0), (-1, 5), (1, 2**16 + 1), (2**15, 2**14)):
        with pytest.raises(InputError):
            check_size("a", height, width)


def test_looks_display_encoded():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (64, 64, 3)).astype(np.float32)
    for image in (codes, codes / 255, (codes / 255) ** 2.2):
        assert looks_display_encoded(image)
    scene = np.exp(rng.normal(-3, 2, (64, 64, 3))).astype(np.float32)
    assert not looks_display_encoded(scene)
    assert not looks_display_encoded(scene / scene.max())
    assert not looks_display_encoded(codes * 2)
    assert not looks_display_encoded(codes[:8, :8])  # too few to tell
