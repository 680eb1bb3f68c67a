import numpy as np
import pytest
from conftest import scene

from data.preparation.patches import training_patches


def cut(hdr, sdr, size=(32, 48), ratio=(0.25, 0.6), count=8, seed=0):
    return list(training_patches(hdr, sdr, size, ratio, count, np.random.default_rng(seed)))


def test_shapes_and_count():
    picture = scene(100, 150)
    patches = cut(picture, picture * 2)
    assert len(patches) == 8
    assert all(p.shape == (32, 48, 3) and p.dtype == np.float32 for pair in patches for p in pair)


def test_both_pictures_are_cut_alike_and_differently_each_time():
    picture = scene(100, 150)
    patches = cut(picture, picture * 2)
    for hdr, sdr in patches:
        np.testing.assert_allclose(hdr * 2, sdr, rtol=1e-5)
    assert len({patch[0].tobytes() for patch in patches}) == 8


def test_the_seed_decides():
    picture = scene(100, 150)
    same, again, other = (cut(picture, picture, seed=s)[0][0] for s in (3, 3, 4))
    np.testing.assert_array_equal(same, again)
    assert not np.array_equal(same, other)


def test_last_patch_is_the_whole_picture():
    import cv2

    picture = scene(100, 150)
    whole = cut(picture, picture)[-1][0]
    np.testing.assert_array_equal(whole, cv2.resize(picture, (48, 32)))


def test_crops_have_the_sides_that_the_ratio_allows():
    rows, columns = np.mgrid[0:200, 0:300].astype(np.float32)
    coordinates = np.stack([rows, columns, rows], axis=-1)
    heights, widths, tops, lefts = [], [], [], []
    for patch, _ in cut(coordinates, coordinates, count=300)[:-1]:
        # Bilinear resizing moves the outermost samples inwards by less than a pixel or two.
        heights.append(np.ptp(patch[..., 0]))
        widths.append(np.ptp(patch[..., 1]))
        tops.append(patch[..., 0].min())
        lefts.append(patch[..., 1].min())
    for sizes, side in ((heights, 200), (widths, 300)):
        assert 0.25 * side - 6 < min(sizes) < 0.29 * side
        assert 0.56 * side < max(sizes) <= 0.6 * side
    assert min(tops) < 4 and min(lefts) < 6
    assert max(np.add(tops, heights)) > 190 and max(np.add(lefts, widths)) > 285


@pytest.mark.parametrize(("height", "width"), [(31, 150), (100, 47)])
def test_picture_smaller_than_the_patch_gives_copies(height, width):
    picture = scene(height, width)
    patches = cut(picture, picture)
    assert len(patches) == 8
    assert len({patch[0].tobytes() for patch in patches}) == 1


def test_flip_mirrors_about_half_of_the_patches_in_both_pictures():
    columns = np.broadcast_to(np.arange(96, dtype=np.float32)[None, :, None], (64, 96, 3)).copy()
    generator = np.random.default_rng(1)
    patches = list(training_patches(columns, columns, (32, 48), (0.5, 1.0), 200, generator, True))
    mirrored = [hdr[0, 0, 0] > hdr[0, -1, 0] for hdr, _ in patches]
    assert 70 < sum(mirrored) < 130
    for hdr, sdr in patches:
        np.testing.assert_array_equal(hdr, sdr)
