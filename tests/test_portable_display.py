from itertools import product

import numpy as np
import pytest

from models import display as here
from models import guided
from models.display import Display
from portable import display as there
from portable import guided as there_guided

DISPLAYS = [Display(*fields) for fields in product(("minmax", "clip"), ("network", "source"))]

SOURCE = [Display("clip", "source", 1.7), Display("minmax", "source", 0.8, 3)]


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize("display", [*DISPLAYS, *SOURCE])
def test_equals_models_display(display, domain):
    generator = np.random.default_rng(1)
    # "clip" of the gamma domain is where the network without its merger leaves [0, 1].
    spread = (-0.2, 1.2) if domain == "gamma" else (0, 1)
    output = generator.uniform(*spread, (60, 70, 3)).astype("f4")
    normalized = generator.random((60, 70, 3), dtype="f4") ** 4
    normalized[:10] = 0  # black
    normalized[10:20, :, 1:] = 0  # of one colour, out of the gamut when bright
    for black_offset in (0.0, 0.01):
        expected = here.displayed(output, normalized, domain, display, black_offset)
        found = there.displayed(output[None], normalized[None], domain, display, black_offset)
        assert_near(expected, found[0].numpy())


def assert_near(expected, found):
    assert found.dtype == np.uint8 and np.ptp(expected) > 200
    apart = np.abs(expected.astype(int) - found)
    assert apart.max() <= 1 and np.mean(apart > 0) < 1e-3


def test_constant_output_is_black():
    flat = np.full((1, 4, 4, 3), 0.4, "f4")
    assert not np.any(there.displayed(flat, flat, "gamma", Display()))


@pytest.mark.parametrize("radius", [1, 4])
def test_guided_filter_equals_models_guided(radius):
    generator = np.random.default_rng(radius)
    guide = np.where(np.arange(41) < 20, -9, 0) + generator.normal(0, 0.1, (33, 41))
    guide, picture = guide.astype("f4"), generator.random((33, 41), dtype="f4")
    expected = guided.guided_filter(guide, picture, radius, 1e-3)
    found = there_guided.guided_filter(guide[None], picture[None], radius, 1e-3)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)
    assert np.abs(expected - picture).max() > 0.2
