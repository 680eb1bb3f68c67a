import cv2
import numpy as np
import pytest
from conftest import scene
from helpers.hdr_files import write_hdr

from data.pairs import Pair, find_pairs, find_unpaired, ignored_hdr, inspect_pair
from data.pictures import write_sdr
from system.errors import InputError
from system.parallel import in_order


@pytest.fixture
def folders(tmp_path):
    hdr, sdr = tmp_path / "hdr", tmp_path / "sdr"
    hdr.mkdir()
    sdr.mkdir()
    for stem in ("a", "b", "only hdr"):
        write_hdr(hdr / f"{stem}.hdr", scene(64, 80))
    for stem in ("a", "b", "only sdr"):
        write_sdr(sdr / f"{stem}.png", np.zeros((64, 80, 3), np.uint8))
    return hdr, sdr


def test_pairs_by_stem_and_every_unpaired_file(folders):
    hdr, sdr = folders
    pairs, faults = find_pairs(hdr, sdr, "hdr", ".png")
    assert pairs == [Pair(hdr / f"{s}.hdr", sdr / f"{s}.png") for s in "ab"]
    assert len(faults) == 2
    assert "only hdr.hdr has no partner only hdr.png" in faults[0]
    assert "only sdr.png has no partner only sdr.hdr" in faults[1]


def test_whole_pair_has_no_fault(folders):
    assert inspect_pair(Pair(folders[0] / "a.hdr", folders[1] / "a.png")) == ()


def test_unequal_sizes_are_named(folders):
    hdr, sdr = folders
    write_sdr(sdr / "a.png", np.zeros((64, 81, 3), np.uint8))
    with pytest.raises(InputError, match=r"a\.hdr is 80x64 but .*a\.png is 81x64"):
        inspect_pair(Pair(hdr / "a.hdr", sdr / "a.png"))


def test_unreadable_files_are_named(folders):
    hdr, sdr = folders
    (hdr / "a.hdr").write_bytes((hdr / "a.hdr").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"a\.hdr"):
        inspect_pair(Pair(hdr / "a.hdr", sdr / "a.png"))


def test_two_files_of_one_name_are_a_fault(folders):
    hdr, sdr = folders
    (hdr / "a.HDR").write_bytes((hdr / "a.hdr").read_bytes())
    _, faults = find_pairs(hdr, sdr, "hdr", "png")
    assert any("have one name" in fault for fault in faults)


def test_mended_samples_are_remarked(folders):
    hdr, sdr = folders
    picture = scene(64, 80)
    picture[0, 0] = (np.nan, -1, np.inf)
    np.save(hdr / "a.npy", picture)
    remarks = inspect_pair(Pair(hdr / "a.npy", sdr / "a.png"))
    assert remarks == ("1 NaN, 1 infinite and 1 negative samples were mended",)


@pytest.mark.parametrize("processes", [1, 2])
def test_in_order_keeps_order_and_errors(folders, processes):
    hdr, sdr = folders
    tasks = [(Pair(hdr / f"{s}.hdr", sdr / f"{s}.png"),) for s in ("a", "gone", "b")]
    results = list(in_order(inspect_pair, tasks, processes, cv2.getNumThreads))
    assert [task for task, _ in results] == tasks
    assert results[0][1] == () and results[2][1] == ()
    assert "gone" in str(results[1][1])


def test_a_partner_has_any_ending_and_the_setting_decides_between_two(folders):
    hdr, sdr = folders
    (sdr / "b.png").rename(sdr / "b.JPEG")
    (sdr / "a.jpg").touch()
    (sdr / "only sdr.png").unlink()
    for ending, partner in (("jpg", "a.jpg"), (".png", "a.png")):
        unpaired, partners = find_unpaired(hdr, sdr, ".hdr", ending)
        assert unpaired == [hdr / "only hdr.hdr"]
        assert partners == {"a": sdr / partner, "b": sdr / "b.JPEG"}
        pairs, faults = find_pairs(hdr, sdr, "hdr", ending)
        assert pairs == [Pair(hdr / f"{stem}.hdr", path) for stem, path in partners.items()]
        assert len(faults) == 1 and "only hdr.hdr has no partner" in faults[0]
    (sdr / "b.webp").touch()
    with pytest.raises(InputError, match=r"b\.webp and b\.JPEG have one name"):
        find_unpaired(hdr, sdr, "hdr", "jpg")
    assert "b.webp and b.JPEG have one name" in find_pairs(hdr, sdr, "hdr", "jpg")[1][0]


def test_a_hdr_file_beside_others_is_not_its_own_partner(tmp_path):
    for name in ("a.tif", "b.tif", "b.jpg"):
        (tmp_path / name).touch()
    pairs, faults = find_pairs(tmp_path, tmp_path, "tif", "jpg")
    assert pairs == [Pair(tmp_path / "b.tif", tmp_path / "b.jpg")] and len(faults) == 1


def test_hdr_files_of_another_ending_are_remarked(folders):
    hdr, _ = folders
    assert ignored_hdr(hdr, "hdr") is None
    (hdr / "c.EXR").touch()
    assert "1 HDR files in" in ignored_hdr(hdr, "hdr") and "c.EXR" in ignored_hdr(hdr, ".HDR")
