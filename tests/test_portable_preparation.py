import cv2
import numpy as np
import pytest
from conftest import scene

from data.preparation import normalize, pyramid
from portable import graph


def here(image, domain, step):
    return normalize.normalize_hdr_with_offset(normalize.crop_to_multiple(image, step), domain)


def there(image, domain, step):
    cropped = graph.crop_to_multiple(image[None], step)
    normalized, black_offset = graph.normalize_hdr_with_offset(cropped, domain)
    return normalized.numpy()[0], float(black_offset)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize(("height", "width", "step"), [(101, 75, 8), (64, 96, 8), (59, 58, 2)])
def test_equals_data_normalize(height, width, step, domain):
    noise = np.random.default_rng(height).uniform(0.5, 1.5, (height, width, 3)).astype("f4")
    image = 1e4 * scene(height, width) * noise
    (expected, black_offset), (found, same) = here(image, domain, step), there(image, domain, step)
    assert expected.shape == found.shape and expected.max() == 1
    # The limit is the same sample: as many are clipped.
    assert (expected == 1).sum() == (found == 1).sum() >= int(expected.size * 0.003)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)
    assert black_offset > 0 and same == pytest.approx(black_offset, rel=1e-6)


def test_clips_nothing_in_the_smallest_pictures():
    image = np.arange(16 * 6 * 3, dtype=np.float32).reshape(1, 16, 6, 3)  # k = 0
    np.testing.assert_array_equal(graph.clip_highlights(image), image)
    image = np.arange(16 * 14 * 3, dtype=np.float32).reshape(1, 16, 14, 3)  # k = 2
    assert np.max(graph.clip_highlights(image)) == image.max() - 1


def test_counts_as_the_original_does():
    # Multiples of 24,000 samples are those where int(count * 0.003) could round another way.
    for count in range(24_000, 2**31, 24_000 * 101):
        assert int(count * 0.003) == count // 1000 * 3 + count % 1000 * 3 // 1000


def test_constant_picture_is_black():
    black, black_offset = there(np.full((16, 16, 3), 7, np.float32), "gamma", 8)
    assert not black.any() and black_offset == 0


def picture(height, width, seed=0):
    """Noise, hard edges and a slope in [0, 1]."""
    generator = np.random.default_rng(seed)
    noise = generator.random((height, width, 3), dtype="f4")
    edges = np.repeat(generator.random((height, width, 1)) > 0.5, 3, axis=2)
    slope = np.linspace(0, 1, width, dtype="f4")[:, None]
    return np.where(slope < 0.3, noise, np.where(slope < 0.6, edges, slope)).astype("f4")


@pytest.mark.parametrize(("low", "tolerance"), [(0, 5e-7), (-1, 4e-6)])
def test_bilateral_filter_is_opencvs(low, tolerance):
    image = low + (1 - low) * picture(61, 90)
    expected = cv2.bilateralFilter(image, 5, 75, 75)
    found = graph.bilateral_filter(image[None])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    # It is no plain mean of the neighbours: that is 200 times farther off.
    disc = np.array([[x * x + y * y <= 4 for x in range(-2, 3)] for y in range(-2, 3)], "f4")
    assert np.abs(cv2.filter2D(image, -1, disc / disc.sum()) - expected).max() > 1e-4


@pytest.mark.parametrize(("height", "width"), [(40, 64), (7, 9)])
def test_pyr_down_is_opencvs(height, width):
    image = picture(height, width)
    np.testing.assert_allclose(
        graph.pyr_down(image[None])[0], cv2.pyrDown(image), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("decompose_filter", ["bilateral", "gaussian"])
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("level_num", [1, 3, 4])
def test_layers_equal_data_pyramid(decompose_filter, fuse, level_num):
    image = picture(7 * 2**level_num, 9 * 2**level_num, level_num)
    expected = pyramid.decompose(image, decompose_filter, fuse, level_num)
    found = graph.decompose(image[None], decompose_filter, fuse, level_num)
    for layer, same in zip(expected, found, strict=True):
        assert same.shape == (1, *layer.shape)
        np.testing.assert_allclose(same[0], layer, rtol=0, atol=2e-6)
