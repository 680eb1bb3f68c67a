"""generate_tfrec.py on tiny real files."""

import shutil

import numpy as np
import pytest
from conftest import scene
from helpers.hdr_files import write_hdr
from helpers.studio import Studio

import generate_tfrec
from data.pictures import write_sdr
from data.records.index import read_index
from system.errors import InputError


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
    picture, config = tmp_path / "a.hdr", studio_config(tmp_path)
    write_hdr(picture, scene(64, 72))
    write_sdr(tmp_path / "a.png", np.zeros((64, 72, 3), np.uint8))

    def too_large(*arguments):
        raise MemoryError

    monkeypatch.setattr(generate_tfrec, "pair_samples", too_large)
    with pytest.raises(InputError, match=r"a\.hdr: there is not enough memory; try --set data"):
        generate_tfrec.main(["--phase", "training", *config])
    assert not list(tmp_path.glob("records/*.json"))
    monkeypatch.setattr(generate_tfrec, "picture_sample", too_large)
    with pytest.raises(InputError, match=r"no picture in .* can be prepared"):
        generate_tfrec.main(config)


def studio_config(folder):
    values = {
        "data.hdr_path": folder,
        "data.sdr_path": folder,
        "data.appendix_sdr": "png",
        "data.processes": 1,
        "model.tfrecord_dual": folder / "records" / "dual_",
        "model.ckp_path_ft": folder / "ft",
        "test.hdr_path": folder,
        "test.tfrecord_test": folder / "records" / "test_",
    }
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


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


def test_remarks_while_records_are_made(studio, trained, tmp_path):
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


def test_records_of_another_preparation_are_refused_and_follow_the_checkpoint(
    studio, trained, tmp_path
):
    changes = {"test__tfrecord_test": tmp_path / "test_"}
    forced = studio.run("generate_tfrec.py", dev__decompose_filter="gaussian", **changes)
    assert forced.returncode == 0
    outcome = studio.run("test.py", **changes)
    assert outcome.returncode == 2
    assert "gaussian filter" in outcome.stderr and "bilateral filter" in outcome.stderr
