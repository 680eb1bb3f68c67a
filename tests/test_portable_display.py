from itertools import product

import numpy as np
import pytest

from models import display as here
from models.display import Display
from portable import display as there

DISPLAYS = [Display(*fields) for fields in product(("minmax", "clip"), ("network", "source"))]


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize("display", [*DISPLAYS, Display("clip", "source", 1.7)])
def test_equals_models_display(display, domain):
    generator = np.random.default_rng(1)
    # "clip" of the gamma domain is where the network without its merger leaves [0, 1].
    spread = (-0.2, 1.2) if domain == "gamma" else (0, 1)
    output = generator.uniform(*spread, (60, 70, 3)).astype("f4")
    normalised = generator.random((60, 70, 3), dtype="f4") ** 4
    normalised[:10] = 0  # black
    normalised[10:20, :, 1:] = 0  # of one colour, out of the gamut when bright
    expected = here.displayed(output, normalised, domain, display)
    found = there.displayed(output[None], normalised[None], domain, display)[0].numpy()
    assert found.dtype == np.uint8 and np.ptp(expected) > 200
    apart = np.abs(expected.astype(int) - found)
    assert apart.max() <= 1 and np.mean(apart > 0) < 1e-3


def test_constant_output_is_black():
    flat = np.full((1, 4, 4, 3), 0.4, "f4")
    assert not np.any(there.displayed(flat, flat, "gamma", Display()))
