import numpy as np
import pytest
import tensorflow as tf
from conftest import GOLDEN, scene

from data.preparation.prepare import Preparation, prepare_picture
from inference.operator import Operator
from models.display import Display
from portable.check import compare, parts_of
from portable.formats import FORMATS
from portable.graph import portable_operator

PUBLISHED = GOLDEN / "ftlayer"  # says nothing of its preparation: any will do
VARIANTS = [
    (Preparation("gamma", "bilateral", False, 3), Display()),
    # The filter's radius is larger than the smallest picture.
    (Preparation("linear", "gaussian", True, 2), Display("clip", "source", 1.3, 40)),
    (Preparation("linear", "bilateral", True, 4), Display("minmax", "source")),
    (Preparation("gamma", "gaussian", False, 1), Display("clip", "network")),
]


def this_code(operator, display):
    operator.display = display

    def here(picture):
        layers = prepare_picture(picture, operator.preparation)
        return operator.to_display(operator.pictures(layers)["output"], layers)

    return here


def picture(height, width):
    noise = np.random.default_rng(width).uniform(0.7, 1.3, (height, width, 3))
    return (scene(height, width) * noise).astype("f4")


@pytest.mark.parametrize(("preparation", "display"), VARIANTS[:2])
def test_whole_operator_equals_this_code(preparation, display):
    operator = Operator(PUBLISHED, preparation)
    whole = portable_operator(operator.network, preparation, display).tone_map
    run = {"graph": lambda x: whole(tf.constant(x[None]))["display_rgb"].numpy()[0]}
    here = this_code(operator, display)
    for part in parts_of(picture(155, 170), preparation.level_num):
        _, outcomes = compare(part, here, run, 0)
        assert outcomes["graph"].largest <= 1 and outcomes["graph"].share < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("preparation", "display"), VARIANTS)
def test_every_format_of_every_variant(name, preparation, display, tmp_path):
    form = FORMATS[name]
    if form.missing():
        pytest.skip(f"{form.missing()} not installed (requirements-export.txt)")
    operator = Operator(PUBLISHED, preparation)
    form.write(portable_operator(operator.network, preparation, display), tmp_path / form.name)
    run, _ = form.load(tmp_path / form.name)
    here = this_code(operator, display)
    for part in parts_of(picture(301, 400), preparation.level_num):
        _, outcomes = compare(part, here, {name: run}, 0)
        assert outcomes[name].largest <= 1 and outcomes[name].share < 0.02


def test_sizes_are_whole_odd_and_least():
    picture = np.zeros((512, 768, 3), np.float32)
    assert [part.shape[:2] for part in parts_of(picture, 3)] == [(512, 768), (341, 577), (63, 63)]
    assert [part.shape[:2] for part in parts_of(picture[:60, :90], 3)] == [(60, 90)]


def test_differences_and_times():
    picture = np.full((4, 5, 3), 0.5, np.float32)

    def here(image):
        return np.uint8(image * 100)

    def brighter(image):
        codes = here(image)
        codes[0, 0] += 3
        return codes

    runtimes = {"same": here, "brighter": brighter, "cropped": lambda image: here(image)[1:]}
    seconds, outcomes = compare(picture, here, runtimes, 2)
    assert seconds > 0 and all(outcome.seconds > 0 for outcome in outcomes.values())
    assert outcomes["same"][:2] == (0, 0)
    assert outcomes["brighter"][:2] == (3, 3 / 60)
    assert outcomes["cropped"][:2] == (255, 1)
    assert compare(picture, here, runtimes, 0)[0] is None
