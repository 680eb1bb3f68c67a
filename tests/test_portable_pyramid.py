import cv2
import numpy as np
import pytest

from data.preparation import pyramid as here
from portable import pyramid as there


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
    found = there.bilateral_filter(image[None])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    # It is no plain mean of the neighbours: that is 200 times farther off.
    disc = np.array([[x * x + y * y <= 4 for x in range(-2, 3)] for y in range(-2, 3)], "f4")
    assert np.abs(cv2.filter2D(image, -1, disc / disc.sum()) - expected).max() > 1e-4


@pytest.mark.parametrize(("height", "width"), [(40, 64), (7, 9)])
def test_pyr_down_is_opencvs(height, width):
    image = picture(height, width)
    np.testing.assert_allclose(
        there.pyr_down(image[None])[0], cv2.pyrDown(image), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("decompose_filter", ["bilateral", "gaussian"])
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("level_num", [1, 3, 4])
def test_layers_equal_data_pyramid(decompose_filter, fuse, level_num):
    image = picture(7 * 2**level_num, 9 * 2**level_num, level_num)
    expected = here.decompose(image, decompose_filter, fuse, level_num)
    found = there.decompose(image[None], decompose_filter, fuse, level_num)
    for layer, same in zip(expected, found, strict=True):
        assert same.shape == (1, *layer.shape)
        np.testing.assert_allclose(same[0], layer, rtol=0, atol=2e-6)
