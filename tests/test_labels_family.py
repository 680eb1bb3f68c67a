import numpy as np
import pytest
from conftest import scene

from labels.family import Setting, prepare, render
from metrics.color import color_fidelity
from system.errors import InputError

PLAIN = Setting(key=0.18, white=4.0, contrast=1.0, detail=1.0)


def test_a_gain_of_one_is_a_global_curve():
    grey = np.repeat(scene(50, 60)[..., :1], 3, axis=2)
    made = render(prepare(grey), PLAIN)[..., 0]
    order = np.argsort(grey[..., 0], axis=None)
    assert (np.diff(made.ravel()[order].astype(int)) >= 0).all()
    # The log-average is shown at key (1 + key / white²) / (1 + key).
    source = prepare(grey)
    middle = np.abs(source.log).argmin()
    light = 0.18 * (1 + 0.18 / 16) / 1.18
    assert made.ravel()[middle] == pytest.approx(255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=2)


def test_the_gain_raises_detail_and_not_the_base():
    generator = np.random.default_rng(1)
    picture = np.exp2(generator.normal(0, 0.2, (120, 120, 1))) * np.ones(3)
    picture[:, 60:] *= 64
    source = prepare(picture)
    plain, more = (render(source, PLAIN._replace(detail=gain))[..., 1] for gain in (1.0, 2.0))
    for part in (np.s_[:, 10:50], np.s_[:, 70:110]):
        assert more[part].std() > 1.6 * plain[part].std()
        assert more[part].mean() == pytest.approx(plain[part].mean(), abs=3)


def test_colours_are_the_scenes():
    hdr = scene(60, 70)
    same = color_fidelity(hdr, render(prepare(hdr), PLAIN))
    assert same.correlation > 0.99 and same.chroma_ratio == pytest.approx(1, abs=0.02)
    assert color_fidelity(hdr, render(prepare(hdr, 0.5), PLAIN)).chroma_ratio < 0.8


def test_black_stays_black_and_nothing_else_is_refused():
    hdr = scene(50, 60)
    hdr[10:20, 10:20] = 0
    made = render(prepare(hdr), PLAIN._replace(detail=2.0))
    assert not made[10:20, 10:20].any()
    assert made[30:].any()
    with pytest.raises(InputError, match="black"):
        prepare(np.zeros((50, 60, 3)))
