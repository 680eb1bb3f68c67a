"""Pairs of files, and generate_tfrec.py on tiny real ones."""

import shutil

import cv2
import numpy as np
import pytest
from conftest import SHIPPED, scene
from helpers.hdr_files import write_hdr
from helpers.studio import Studio

import generate_tfrec
from data.pairs import Pair, find_pairs, find_unpaired, ignored_hdr, inspect_pair
from data.pictures import write_sdr
from data.records.index import read_index
from system.errors import InputError
from system.parallel import in_order


def test_records(studio, records):
    dual, ft, test = (outcome.stdout for outcome in records)
    assert "3 pairs x 3 patches: about " in dual
    assert "9 records of 3 pairs written" in dual and "9 records of 3 pairs written" in ft
    assert "3 records written" in test and test.rstrip().endswith("0 skipped")
    folder = studio.folder / "records"
    files = {path.name for path in folder.iterdir() if path.is_file()}
    assert files >= {"dual_.json", "ft_.json", "test_.tfrecord"}
    assert not [name for name in files if name.endswith((".tmp", ".part"))]
    for name, said in (("dual", dual), ("ft", ft)):
        shards = [shard.path for shard in read_index(folder / f"{name}_.json", name).shards]
        assert [path.name for path in shards] == [
            f"{name}_-{number:05d}-of-00016.tfrecord" for number in range(16)
        ]
        size = sum(path.stat().st_size for path in shards)
        assert f"{size / 1e6:.1f} MB in 16 shards" in said
        samples = {"dual": 2 * (168 * 176 + 21 * 22), "ft": 2 * 176 * 168}[name] * 3
        assert size < 9 * samples * 2
        estimated = float(said.partition("about ")[2].partition(" MB")[0])
        assert size / 2 < estimated * 1e6 < size * 2


def test_records_do_not_depend_on_the_number_of_processes(studio, records, tmp_path):
    changes = {"model__tfrecord_dual": tmp_path / "dual_", "data__processes": 1}
    outcome = studio.run("generate_tfrec.py", "--phase", "training", **changes)
    assert outcome.returncode == 0
    one, two = (
        [shard.path.read_bytes() for shard in read_index(folder / "dual_.json", "dual").shards]
        for folder in (tmp_path, studio.folder / "records")
    )
    assert one == two and len(one) == 16


def test_want_of_memory_names_the_picture_and_the_remedy(tmp_path, monkeypatch):
    config = Studio(tmp_path).arguments(**{"data.processes": 1})

    def too_large(*arguments):
        raise MemoryError

    monkeypatch.setattr(generate_tfrec, "pair_samples", too_large)
    with pytest.raises(InputError, match=r"first\.hdr: there is not enough memory; try --set data"):
        generate_tfrec.main(["--phase", "training", *config])
    assert not list(tmp_path.glob("records/*.json"))
    monkeypatch.setattr(generate_tfrec, "picture_sample", too_large)
    with pytest.raises(InputError, match=r"no picture in .* can be prepared"):
        generate_tfrec.main(config)


def test_damaged_records_are_named_before_training(studio, records, tmp_path):
    folder = shutil.copytree(studio.folder / "records", tmp_path / "records")
    changes = {"model__tfrecord_dual": folder / "dual_", "model__ckp_path_bot": tmp_path / "bot"}
    path = read_index(folder / "dual_.json", "dual").shards[3].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    outcome = studio.run("train_bot.py", **changes)
    assert outcome.returncode == 2 and [p.name for p in (tmp_path / "bot").iterdir()] == [".lock"]
    assert outcome.stderr.rpartition("train_bot.py: ")[2] == (
        f"{path} is damaged (its checksum is not the index's); make the records again with "
        "generate_tfrec.py --phase training\n"
    )
    assert "Traceback" not in outcome.stderr


def test_all_pairing_faults_are_listed_before_work(tmp_path):
    studio = Studio(tmp_path)
    (tmp_path / "sdr" / "second.png").unlink()
    write_sdr(tmp_path / "sdr" / "first.png", np.zeros((50, 60, 3), np.uint8))
    (tmp_path / "hdr" / "third one.hdr").write_bytes(b"#?RADIANCE\n")
    outcome = studio.run("generate_tfrec.py", "--phase", "training")
    assert outcome.returncode == 2
    for part in ("second.hdr has no partner", "200x184", "60x50", "third one.hdr"):
        assert part in outcome.stderr
    assert outcome.stderr.rstrip().endswith(
        "3 faults in the pairs, listed above; nothing was written"
    )
    assert not (tmp_path / "records").exists()


def test_remarks_while_records_are_made(studio, tmp_path):
    picture = scene(64, 72)
    picture[3, 4] = (np.nan, -1, np.inf)
    np.save(tmp_path / "odd.npy", picture)
    outcome = studio.run(
        "generate_tfrec.py",
        test__hdr_path=tmp_path,
        data__appendix_hdr="npy",
        test__tfrecord_test=tmp_path / "test_",
    )
    assert outcome.returncode == 0
    assert "odd.npy: 1 NaN, 1 infinite and 1 negative samples were mended" in outcome.stderr


def test_records_of_another_preparation_are_refused(studio, tmp_path):
    changes = {"test__tfrecord_test": tmp_path / "test_"}
    forced = studio.run("generate_tfrec.py", dev__decompose_filter="gaussian", **changes)
    assert forced.returncode == 0
    outcome = studio.run("test.py", model__ckp_path_ft=SHIPPED, **changes)
    assert outcome.returncode == 2
    assert "gaussian filter" in outcome.stderr and "bilateral filter" in outcome.stderr


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
