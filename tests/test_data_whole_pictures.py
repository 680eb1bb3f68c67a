import numpy as np
import pytest
from conftest import scene
from helpers.hdr_files import write_hdr

from data.pictures import read_hdr
from data.preparation.augmentation import Augmentation, augment, view
from data.preparation.prepare import Preparation, prepare_picture
from data.whole_pictures import WholePictures
from standards.srgb import luminance
from system.errors import InputError


def varied(name, rgb, seed=0):
    return augment(rgb, Augmentation(**{name: 1.0}), np.random.default_rng(seed))


def test_a_share_of_0_changes_nothing():
    rgb = scene(32, 48)
    assert augment(rgb, Augmentation(), np.random.default_rng(0)) is rgb


@pytest.mark.parametrize("name", Augmentation._fields)
def test_variations_are_light_of_the_same_size_and_come_back_from_the_seed(name):
    rgb = scene(32, 48)
    found = varied(name, rgb)
    assert found.shape == rgb.shape and found.dtype == np.float32
    assert found.min() >= 0 and np.isfinite(found).all() and not np.array_equal(found, rgb)
    np.testing.assert_array_equal(found, varied(name, rgb))
    assert not np.array_equal(found, varied(name, rgb, seed=1))
    assert not varied(name, 0 * rgb).any()


def test_noise_is_that_of_light():
    rgb = np.full((200, 300, 3), 0.1, np.float32)
    rgb[100:] = 10
    apart = varied("noise", rgb) - rgb
    dark, bright = apart[:100], apart[100:]
    assert abs(bright.mean()) < 5 * bright.std() / bright.size**0.5
    # Shot noise grows with the root of the light, what the sensor adds does not.
    assert 2 < bright.std() / dark.std() < 10.1


def test_a_cast_leaves_green_and_saturation_leaves_the_luminance():
    rgb = scene(32, 48)
    cast = varied("cast", rgb) / rgb
    np.testing.assert_array_equal(cast[..., 1], 1)
    np.testing.assert_allclose(cast[..., 0] * cast[..., 2], 1, rtol=1e-5)
    strong = varied("saturation", rgb)
    ratios = [np.log(x[..., 0] / x[..., 1]) for x in (strong, rgb)]
    factor = ratios[0] / ratios[1]
    assert 1.2 <= np.median(factor) <= 2 and np.std(factor[np.abs(ratios[1]) > 0.1]) < 1e-3


def test_range_is_a_power_of_the_luminance():
    rgb = scene(32, 48)
    found = varied("range", rgb)
    stops = [np.log2(luminance(x)) for x in (found, rgb)]
    slope, _ = np.polyfit(stops[1].ravel(), stops[0].ravel(), 1)
    assert 0.35 <= slope <= 1.5
    np.testing.assert_allclose(np.ptp(stops[0]), slope * np.ptp(stops[1]), rtol=1e-3)


def test_clipping_cuts_highlights_off_and_a_border_is_black():
    rgb = scene(100, 120)
    found = varied("clipping", rgb)
    cut = found < rgb
    assert 0.004 < cut.mean() < 0.081 and len(np.unique(found[cut])) == 1
    found = varied("border", rgb)
    black = (found == 0).all(axis=2)
    np.testing.assert_array_equal(found[~black], rgb[~black])
    assert 0.03 < black.mean() < 0.25
    assert black[0].all() == black[-1].all() and black[:, 0].all() == black[:, -1].all()


def test_one_share_does_not_change_what_another_one_does():
    rgb, seed = scene(32, 48), np.random.SeedSequence(3)
    both = augment(rgb, Augmentation(cast=1.0, border=1.0), np.random.default_rng(seed))
    cast = augment(rgb, Augmentation(cast=1.0), np.random.default_rng(seed))
    inside = both.any(axis=2)
    np.testing.assert_array_equal(both[inside], cast[inside])


def test_a_view_is_a_part_of_the_picture_at_the_size_wanted():
    rows, columns = np.mgrid[0:60, 0:90].astype("f4")
    rgb = np.stack([rows, columns, 0 * rows], axis=2)
    generator = np.random.default_rng(0)
    for _ in range(20):
        found = view(rgb, (32, 48), (0.4, 1.0), False, generator)
        assert found.shape == (32, 48, 3)
        spans = [np.ptp(found[..., i]) for i in (0, 1)]
        assert 0.35 * 60 < spans[0] <= 60 and spans[1] / spans[0] == pytest.approx(1.5, rel=0.1)
    whole = view(rgb, (32, 48), (1.0, 1.0), False, generator)
    np.testing.assert_allclose(whole.mean(axis=(0, 1)), rgb.mean(axis=(0, 1)), rtol=1e-3, atol=1e-4)
    upright = view(rgb.transpose(1, 0, 2).copy(), (32, 48), (1.0, 1.0), False, generator)
    np.testing.assert_allclose(upright, whole, rtol=1e-5, atol=1e-4)
    flipped = [view(rgb, (32, 48), (1.0, 1.0), True, generator)[0, 0, 1] for _ in range(40)]
    assert 8 < sum(value > 45 for value in flipped) < 32


@pytest.fixture
def pictures(tmp_path):
    paths = []
    for index in range(5):
        paths.append(str(tmp_path / f"{index}.hdr"))
        write_hdr(paths[-1], (1 + index) * scene(64, 96, index) + 0.5)
    augmentation = Augmentation(noise=0.5, border=0.5)
    return WholePictures(tuple(paths), Preparation(), (56, 72), (0.5, 1.0), True, augmentation)


def test_an_epoch_shows_each_picture_once_and_resumes(pictures):
    def epoch(*arguments):
        return [inputs["source"].numpy() for inputs, _ in pictures.batches(2, *arguments)]

    whole = epoch(0, 0)
    assert [len(batch) for batch in whole] == [2, 2]  # round(5 / 2) batches
    for skip in (1, 2):
        rest = epoch(0, 0, skip)
        assert len(rest) == 2 - skip
        for a, b in zip(rest, whole[skip:], strict=True):
            np.testing.assert_array_equal(a, b)
    for other in (epoch(0, 1), epoch(1, 0)):
        assert not any(np.array_equal(a, b) for a, b in zip(whole, other, strict=True))
    # Without augmentation and crops each view is one of the pictures.
    plain = pictures._replace(ratio=(1.0, 1.0), flip=False, augmentation=Augmentation())
    views = [plain.scene(3, 7, index) for index in range(5)]
    means = sorted(view.mean() for view in views)
    expected = sorted(read_hdr(path).mean() for path in pictures.paths)
    np.testing.assert_allclose(means, expected, rtol=0.15)


def test_batches_are_prepared_as_in_testing(pictures):
    inputs, truth = next(iter(pictures.batches(3, 0, 4)))
    np.testing.assert_array_equal(truth, inputs["source"])
    for index in range(3):
        layers = prepare_picture(pictures.scene(0, 4, index), Preparation())
        np.testing.assert_array_equal(inputs["source"][index], layers.normalized)
        np.testing.assert_array_equal(inputs["high"][index], layers.high)
        np.testing.assert_array_equal(inputs["bot"][index], layers.bot)
        assert inputs["black_offset"][index].shape == (1, 1, 1)
        assert inputs["black_offset"][index].numpy().item() == pytest.approx(layers.black_offset)


def test_a_file_that_cannot_be_read_is_named(pictures):
    with open(pictures.paths[0], "wb") as file:
        file.write(b"nothing")
    with pytest.raises(InputError, match=r"0\.hdr"):
        for index in range(5):
            pictures.scene(0, 0, index)
