import itertools

import numpy as np
import pytest
from conftest import kept, scene

from data.preparation.normalize import clip_highlights, minmax, normalize_hdr, normalize_sdr
from data.preparation.prepare import Preparation, prepare_picture
from data.preparation.pyramid import decompose
from data.records.examples import training_patches
from system.errors import InputError

PAPER = Preparation("gamma", "bilateral", False, 3)


@pytest.mark.parametrize(
    ("domain", "decompose_filter", "fused"),
    list(itertools.product(("gamma", "linear"), ("bilateral", "gaussian"), (False, True))),
)
def test_every_variant_equals_the_original(forward, domain, decompose_filter, fused):
    preparation = Preparation(domain, decompose_filter, fused, 3)
    layers = prepare_picture(forward["hdr"], preparation)
    name = f"prep_{domain}_{decompose_filter}_{'fused' if fused else 'extracted'}"
    pairs = {
        f"prep_{domain}_normalised": layers.normalized,
        f"{name}_high": layers.high,
        f"{name}_bot": layers.bot,
    }
    for golden, array in pairs.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(kept(array), forward[golden], rtol=0, atol=1e-6)


def test_highlight_clip_takes_the_kth_largest_sample():
    image = np.arange(1200, dtype=np.float32).reshape(20, 20, 3)  # k = int(3.6) = 3
    clipped = clip_highlights(image)
    assert clipped.max() == 1197
    np.testing.assert_array_equal(clipped.ravel()[:1198], image.ravel()[:1198])


def test_highlight_clip_of_a_tiny_picture_changes_nothing():
    image = np.arange(300, dtype=np.float32).reshape(10, 10, 3)  # k = 0
    np.testing.assert_array_equal(clip_highlights(image), image)


@pytest.mark.parametrize("background", [0, 1e-9, 3])
def test_a_small_light_is_not_clipped(background):
    image = np.full((64, 64, 3), background, np.float32)
    image[30:33, 40:42] = [[5, 4, 3], [50, 40, 30]]  # 18 samples of k = 36
    np.testing.assert_array_equal(clip_highlights(image), image)


@pytest.mark.parametrize("place", [(0, 0), (20, 30), (63, 95)])
def test_one_pixel_a_million_times_the_rest_changes_no_other(place):
    image = scene(64, 96)
    outlier = image.copy()
    outlier[place] = 1e6 * image.max()
    clipped = clip_highlights(outlier)
    clipped[place] = image[place]
    np.testing.assert_array_equal(clipped, np.minimum(image, clipped.max()))
    assert clipped.max() == pytest.approx(clip_highlights(image).max(), rel=0.03)


def test_a_bright_spot_of_four_pixels_is_clipped_as_in_the_original():
    image = scene(64, 96)
    image[20:22, 30:32] = 1e6 * image.max()
    limit = np.sort(image, axis=None)[-int(image.size * 0.003)]
    np.testing.assert_array_equal(clip_highlights(image), np.minimum(image, limit))


def test_constant_picture_becomes_black():
    assert not minmax(np.full((4, 4, 3), 7, np.float32)).any()


def test_domains_by_hand():
    image = np.array([0, 0.25, 1], np.float32).reshape(1, 1, 3)
    np.testing.assert_allclose(normalize_hdr(image * 40, "gamma").ravel(), [0, 0.532555, 1], 1e-5)
    np.testing.assert_allclose(normalize_hdr(image * 40, "linear").ravel(), [0, 0.25, 1], 1e-6)
    codes = np.array([10, 61, 214], np.uint8).reshape(1, 1, 3)
    np.testing.assert_allclose(normalize_sdr(codes, "gamma").ravel(), [0, 0.25, 1], 1e-6)
    np.testing.assert_allclose(normalize_sdr(codes, "linear").ravel(), [0, 0.0473661, 1], 1e-5)


@pytest.mark.parametrize("level_num", [1, 2, 3, 4])
def test_fused_gaussian_layers_hold_the_whole_picture(level_num):
    import cv2

    image = scene(128, 160)
    high, bot = decompose(image, "gaussian", True, level_num)
    assert bot.shape == (128 >> level_num, 160 >> level_num, 3)
    for _ in range(level_num):
        bot = cv2.pyrUp(bot)
    np.testing.assert_allclose(high + bot, image, atol=1e-4 * image.max())


@pytest.mark.parametrize("decompose_filter", ["bilateral", "gaussian"])
def test_one_level_has_no_middle(decompose_filter):
    image = scene(64, 64)
    for a, b in zip(*(decompose(image, decompose_filter, f, 1) for f in (0, 1)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("height", "width"), [(139, 205), (127, 143), (120, 120)])
@pytest.mark.parametrize("to_half", [False, True])
def test_sides_divide_after_halving_too(height, width, to_half):
    layers = prepare_picture(scene(height, width), PAPER, to_half)
    sides = [side // 2 if to_half else side for side in (height, width)]
    assert layers.high.shape == (*(side - side % 8 for side in sides), 3)
    assert layers.bot.shape == (*(side // 8 for side in sides), 3)


def test_too_small_a_picture_is_an_error():
    prepare_picture(scene(56, 56), PAPER)
    with pytest.raises(InputError, match=r"55x80 pixels .* at least 56"):
        prepare_picture(scene(80, 55), PAPER)


@pytest.mark.parametrize("value", [0.0, 1e-30, 3.0, 1e30])
def test_flat_pictures_stay_finite(value):
    layers = prepare_picture(np.full((64, 64, 3), value, np.float32), PAPER)
    assert all(np.isfinite(array).all() for array in layers)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
def test_the_black_offset_is_the_light_that_min_max_took(domain):
    hdr = 5 + scene(64, 72)
    layers = prepare_picture(hdr, PAPER._replace(data_domain=domain))
    light = layers.normalized.astype("f8") ** (1 / 0.4545 if domain == "gamma" else 1)
    ratio = (light + layers.black_offset) / clip_highlights(hdr)
    np.testing.assert_allclose(ratio, ratio[0, 0, 0], rtol=1e-4)
    assert prepare_picture(np.ones((64, 72, 3), "f4"), PAPER).black_offset == 1
    assert prepare_picture(np.zeros((64, 72, 3), "f4"), PAPER).black_offset == 0


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
