"""What load.py measures must be so; the full counts are slow, short forms are not."""

import pytest
from conftest import ROOT
from helpers.load import huge, pictures, processes, sizes


def test_a_hundred_pictures_take_the_memory_of_ten(tmp_path):
    found = pictures(tmp_path, 100)
    assert found["written"] == 100
    assert len(found["memory"]) > 3
    assert max(found["memory"][1:]) < 1.05 * found["memory"][1]


@pytest.mark.slow
def test_a_thousand_pictures(tmp_path):
    found = pictures(tmp_path, 1000)
    print(found)
    assert found["written"] == 1000
    assert found["memory"][-1] < 1.05 * found["memory"][0]


@pytest.mark.slow
def test_two_hundred_sizes(tmp_path):
    found = sizes(tmp_path, 200)
    print(found)
    assert found["written"] == 200
    # Without oneDNN the growth is a quarter: most likely its cache of convolutions fills.
    assert found["memory"][-1] < 1.05 * found["memory"][5]
    assert found["memory"][-1] < found["memory"][0] + 300


def test_two_processes_on_one_folder(tmp_path):
    found = processes(tmp_path, 2)
    assert found == {"statuses": [0, 0, 0], "results": 12, "lost": 0, "left": []}


def test_new_sizes_are_not_compiled_again():
    """Every compilation leaves a graph behind: their number must not follow the sizes."""
    import gc

    import tensorflow as tf
    from conftest import scene

    from data.preparation.prepare import prepare_picture
    from inference.operator import Operator

    operator = Operator(ROOT / "checkpoints" / "pretrained" / "ftlayer", None)

    def graphs_after(shapes):
        for number, shape in enumerate(shapes):
            operator.pictures(prepare_picture(scene(*shape, number), operator.preparation))
        gc.collect()
        return sum(isinstance(thing, tf.Graph) for thing in gc.get_objects())

    few = graphs_after([(56, 56), (56, 64), (64, 72)])
    assert few > 0
    assert graphs_after([(64 + 8 * i, 88) for i in range(12)]) == few


@pytest.mark.slow
def test_thirty_three_megapixels(tmp_path):
    for name in ("half", "whole", "huge"):
        (tmp_path / name).mkdir()
    small = huge(tmp_path / "half", 540, 960)["peak"]
    middle = huge(tmp_path / "whole", 1080, 1920)["peak"]
    needed = middle + (middle - small) / (0.75 * 1080 * 1920) * (7680 * 4320 - 1080 * 1920)
    with open("/proc/meminfo") as file:
        free = next(int(line.split()[1]) / 1024 for line in file if "MemAvailable" in line)
    if 1.2 * needed > free:
        pytest.skip(f"it would take about {needed / 1024:.1f} GB, {free / 1024:.1f} are free")
    found = huge(tmp_path / "huge", 4320, 7680)
    print(found)
    assert found["written"] == 1
