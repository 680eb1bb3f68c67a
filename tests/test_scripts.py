"""Every script end to end on tiny real files, in processes of their own, as a user runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import cv2
import numpy as np
import pytest
from conftest import GOLDEN, ROOT, run_script, scene

from data.image_io import read_sdr, write_hdr, write_sdr

SCRIPTS = (
    "make_sdr.py",
    "generate_tfrec.py",
    "train_bot.py",
    "train_high.py",
    "train_ft.py",
    "test.py",
    "export.py",
    "run_tfboard.py",
)


class Studio:
    """A folder with pairs, and the settings that keep every script inside it."""

    def __init__(self, folder):
        self.folder = folder
        self.paths = {
            "data.hdr_path": "hdr",
            "data.sdr_path": "sdr",
            "model.tfrecord_dual": "records/dual_",
            "model.tfrecord_ft": "records/ft_",
            "test.tfrecord_test": "records/test_",
            "test.hdr_path": "hdr",
            "test.result": "result",
            "model.ckp_path_high": "high",
            "model.ckp_path_bot": "bot",
            "model.ckp_path_ft": "ft",
            "train.log_path": "logs",
            "train.val_path": "hdr",
        }
        self.values = {
            "data.appendix_sdr": "png",
            "data.patch_size_h": 168,
            "data.patch_size_w": 176,
            "data.patch_size_ft_h": 176,
            "data.patch_size_ft_w": 168,
            "data.patch_per_img": 3,
            "data.processes": 2,
            "train.batch_size_high": 3,
            "train.batch_size_bot": 4,
            "train.batch_size_ft": 4,
            "train.pad_bot": True,
            "model.loss_vgg": None,
        }
        (folder / "hdr").mkdir()
        (folder / "sdr").mkdir()
        for index, stem in enumerate(("first", "second", "third one")):
            picture = scene(184, 200, index)
            write_hdr(folder / "hdr" / f"{stem}.hdr", picture)
            shown = (255 * (picture / (1 + picture)) ** 0.4545).astype(np.uint8)
            write_sdr(folder / "sdr" / f"{stem}.png", shown)

    def arguments(self, **changes):
        paths = {key: self.folder / name for key, name in self.paths.items()}
        values = {**paths, **self.values, **changes}
        return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]

    def run(self, script, *arguments, **changes):
        changes = {key.replace("__", "."): value for key, value in changes.items()}
        return run_script(script, *arguments, *self.arguments(**changes))


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def records(studio):
    outcomes = [
        studio.run("generate_tfrec.py", "--phase", "training"),
        studio.run("generate_tfrec.py", "--phase", "training", "--ft"),
        studio.run("generate_tfrec.py"),
    ]
    assert [outcome.returncode for outcome in outcomes] == [0, 0, 0], outcomes
    return outcomes


@pytest.fixture(scope="module")
def trained(studio, records):
    outcomes = {
        stage: studio.run(f"train_{stage}.py", "--epochs", 2) for stage in ("bot", "high", "ft")
    }
    assert {o.returncode for o in outcomes.values()} == {0}, outcomes
    return outcomes


def steps_in(folder):
    return sorted(int(path.stem.rpartition("-")[2]) for path in folder.glob("*.index"))


def weights_in(folder):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder))
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith(("bot/", "adam/"))]
    return {name: reader.get_tensor(name) for name in names}


@pytest.mark.parametrize("script", SCRIPTS)
def test_help(script):
    outcome = run_script(script, "--help")
    assert outcome.returncode == 0
    assert "--set section.key=value" in outcome.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_misspelt_setting_is_one_sentence(script):
    outcome = run_script(script, "--set", "dev.level_nun=3")
    assert outcome.returncode == 2
    assert outcome.stderr == (
        f"{script}: dev.level_nun is no setting; did you mean dev.level_num?\n"
    )


def test_records(studio, records):
    dual, ft, test = (outcome.stdout for outcome in records)
    assert "3 pairs x 3 patches (6.5 MB as raw float32): about " in dual
    assert "9 records of 3 pairs written" in dual and "9 records of 3 pairs written" in ft
    assert "3 records written" in test and test.rstrip().endswith("0 skipped")
    folder = studio.folder / "records"
    files = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert files == ["dual_.json", "ft_.json", "test_.tfrecord"]
    assert len(list(folder.iterdir())) == 5
    for name, said in (("dual", dual), ("ft", ft)):
        (shards,) = folder.glob(f"{name}_.*[0-9a-f]")
        names = sorted(path.name for path in shards.iterdir())
        assert names == [f"{name}_-{number:05d}-of-00016.tfrecord" for number in range(16)]
        size = sum(path.stat().st_size for path in shards.iterdir())
        assert f"{size / 1e6:.1f} MB in 16 shards" in said
        floats = {"dual": 2 * (168 * 176 + 21 * 22), "ft": 3 * 176 * 168 + 22 * 21}[name]
        assert size < 9 * floats * 12 / 4
        judged = float(said.partition("about ")[2].partition(" MB")[0])
        assert size / 2 < judged * 1e6 < size * 2


def test_records_do_not_depend_on_the_number_of_processes(studio, records):
    def content():
        return [path.read_bytes() for path in sorted(folder.glob("dual_.*/*"))]

    folder = studio.folder / "records"
    before = content()
    outcome = studio.run("generate_tfrec.py", "--phase", "training", data__processes=1)
    assert outcome.returncode == 0
    assert content() == before and len(before) == 16


def test_damaged_records_are_named_before_training(studio, records, tmp_path):
    folder = shutil.copytree(studio.folder / "records", tmp_path / "records")
    changes = {"model__tfrecord_dual": folder / "dual_", "model__ckp_path_bot": tmp_path / "bot"}
    path = sorted(folder.glob("dual_.*/*"))[3]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    outcome = studio.run("train_bot.py", **changes)
    assert outcome.returncode == 2 and not (tmp_path / "bot").exists()
    assert outcome.stderr.rpartition("train_bot.py: ")[2] == (
        f"{path} is damaged (its checksum is not the index's); make the records again with "
        "generate_tfrec.py --phase training\n"
    )
    assert "Traceback" not in outcome.stderr


@pytest.mark.slow
def test_records_outlive_kills_of_the_script(studio, records, tmp_path):
    from data.shards import read_index, verify

    folder = shutil.copytree(studio.folder / "records", tmp_path / "records")
    index = folder / "ft_.json"
    changes = {"model.tfrecord_ft": folder / "ft_"}
    command = [sys.executable, str(ROOT / "generate_tfrec.py"), "--phase", "training", "--ft"]
    generator, sets, writing = np.random.default_rng(0), {read_index(index, "ft").shards}, 0
    for _ in range(20):
        before = set(folder.glob("ft_.*"))
        process = subprocess.Popen(
            [*command, *studio.arguments(**changes)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Most of a run is importing; the moments that matter begin with the new folder.
        while set(folder.glob("ft_.*")) <= before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 2))
        writing += process.poll() is None
        process.kill()
        process.wait()
        info = read_index(index, "ft")
        assert sum(verify(info)) > 0 and info.count == 9
        sets.add(info.shards)
    assert writing >= 10 and len(sets) >= 2, (writing, len(sets))
    outcome = studio.run(
        "generate_tfrec.py",
        "--phase",
        "training",
        "--ft",
        **{key.replace(".", "__"): value for key, value in changes.items()},
    )
    assert outcome.returncode == 0
    assert len(list(folder.glob("ft_.*"))) == 2


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


def test_training_says_its_devices_first(trained):
    for outcome in trained.values():
        assert outcome.stdout.startswith("devices: ")
        assert "Traceback" not in outcome.stderr


def test_checkpoints_are_named_as_the_originals(studio, trained):
    assert steps_in(studio.folder / "bot") == [2, 4]
    assert steps_in(studio.folder / "high") == [3, 6]
    assert steps_in(studio.folder / "ft") == [2, 4]
    assert (studio.folder / "ft" / "model-ft.ckpt-4.index").is_file()
    kept = json.loads((studio.folder / "ft" / "settings.json").read_text())
    assert kept["config"]["train"]["epochs_ft"] == 2
    assert kept["preparation"]["decompose_filter"] == "bilateral"


def test_ft_starts_from_the_branches(studio, trained):
    for name, step in (("high", 6), ("bot", 4)):
        assert f"{name} branch from {studio.folder / name}, step {step}" in trained["ft"].stdout


def test_progress_shows_the_terms(trained):
    for term in ("total=", "l1=", "c=", "h=", "ssim=", "tmqi="):
        assert term in trained["ft"].stderr


TAGS = {
    "bot": {"l1", "l2", "l2_reg", "ssim", "c", "tmqi_s", "h"},
    "high": {"l1", "l2", "l2_reg", "ssim", "c", "msssim", "tmqi"},
    "ft": {"l1", "l2", "l2_reg", "ssim", "c", "msssim", "tmqi", "h"},
}
PICTURES = {"input", "output", "ground_truth"}
FT_PICTURES = PICTURES | {"input_ft", "output_bot", "new_bot", "output_high"}
SCORED = ("Q", "S", "N", "FSITM", "colour_correlation", "chroma_ratio", "cast")
VALIDATED = {"val/first", "val/second", "val/third one"}


@pytest.mark.parametrize("stage", TAGS)
def test_tensorboard_has_the_originals_tags(studio, trained, stage):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    (path,) = (studio.folder / "logs" / stage).glob("events*")
    validated = list((studio.folder / "logs" / stage / "val").glob("events*"))
    assert len(validated) == (1 if stage == "ft" else 0)
    scalars, pictures = {}, {}
    events = [event for p in (path, *validated) for event in EventFileLoader(str(p)).Load()]
    for event in events:
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "images":
                pictures[value.tag] = tf.make_ndarray(value.tensor)[2:]  # behind width and height
            else:
                scalars[value.tag] = tf.make_ndarray(value.tensor)
    scores = {f"val/{name}" for name in SCORED} if stage == "ft" else set()
    losses = {f"loss/loss_{term}" for term in TAGS[stage]} | {"loss/total_loss"}
    assert set(scalars) == losses | scores
    # Two steps leave some scales with structure opposite to the scene's: then there is no Q.
    assert {t for t, value in scalars.items() if not np.isfinite(value)} <= {"val/Q", "val/S"}
    assert set(pictures) == (FT_PICTURES | VALIDATED if stage == "ft" else PICTURES)
    for tag, encoded in pictures.items():
        assert len(encoded) == (1 if tag in VALIDATED else 3)
        assert cv2.imdecode(np.frombuffer(encoded[0], np.uint8), cv2.IMREAD_COLOR).std() > 0


def test_validation_is_told_after_every_epoch_and_equals_evaluate(studio, trained, tmp_path):
    import csv

    lines = [line for line in trained["ft"].stderr.splitlines() if "validation pictures" in line]
    lines = lines or [x for x in trained["ft"].stdout.splitlines() if "validation pictures" in x]
    assert len(lines) == 2
    outcome = studio.run(
        "evaluate.py", "--operators", "none", "--output", tmp_path, studio.folder / "hdr"
    )
    assert outcome.returncode == 0, outcome.stderr
    with open(tmp_path / "scores.csv") as file:
        rows = list(csv.DictReader(file))
    for name in ("N", "FSITM", "chroma_ratio"):
        assert f"{name} {np.mean([float(row[name]) for row in rows]):.4f}" in lines[-1]


def test_two_and_two_epochs_equal_four(studio, records, tmp_path):
    whole, parts = ({"model__ckp_path_bot": tmp_path / n} for n in ("whole", "parts"))
    assert studio.run("train_bot.py", "--epochs", 4, **whole).returncode == 0
    assert studio.run("train_bot.py", "--epochs", 2, **parts).returncode == 0
    again = studio.run("train_bot.py", "--epochs", 4, **parts)
    assert "step 4, epoch 2" in again.stdout
    assert steps_in(tmp_path / "parts") == [2, 4, 6, 8]
    expected = weights_in(tmp_path / "whole")
    assert len(expected) == 16 * 3
    for name, value in weights_in(tmp_path / "parts").items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-5, err_msg=name)
    done = studio.run("train_bot.py", "--epochs", 4, **parts)
    assert done.returncode == 0 and "4 epochs are done already" in done.stdout


def test_interrupted_training_saves_and_goes_on(studio, records, tmp_path):
    changes = {"model.ckp_path_bot": tmp_path / "bot", "train.batch_size_bot": 1}
    command = [sys.executable, str(ROOT / "train_bot.py"), "--epochs", "1000"]
    process = subprocess.Popen(
        [*command, *studio.arguments(**changes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        deadline = time.time() + 300
        while not (tmp_path / "bot" / "checkpoint").exists() and time.time() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "run the same command again to go on" in output
    step = steps_in(tmp_path / "bot")[-1]
    epochs = step // 9 + 1
    changes = {key.replace(".", "__"): value for key, value in changes.items()}
    again = studio.run("train_bot.py", "--epochs", epochs, **changes)
    assert again.returncode == 0 and f"step {step}, epoch {step // 9}" in again.stdout
    assert steps_in(tmp_path / "bot")[-1] == epochs * 9


def test_nan_stops_and_names_the_first_bad_term(studio, records, tmp_path):
    outcome = studio.run("train_bot.py", train__lr_bot=1e38, model__ckp_path_bot=tmp_path / "bot")
    assert outcome.returncode == 2
    assert "train_bot.py: step 1: loss_l1 is " in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert [path.name for path in (tmp_path / "bot").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train__train_set_size": 5}, "train_set_size is 5 but the records hold 3 pairs"),
        ({"dev__fuse_mid_layers": True}, "the dev section says .*fused layers"),
        ({"data__patch_size_w": 168}, "patches of 168x176, .* say 168x168"),
        ({"model__loss_vgg": "no/vgg16.npy"}, "no/vgg16.npy: the VGG-16 weights"),
        ({"model__tfrecord_dual": "no/records_"}, "no records at no/records_.json"),
        ({"train__loss_weights_bot": "{'hue': 1}"}, "'hue' is no loss term of bot"),
        (
            {"model__ckp_path_bot": ROOT / "README.md" / "bot"},
            r"README.md/bot: cannot write to this folder .*model\.ckp_path_bot",
        ),
        (
            {"train__log_path": ROOT / "README.md"},
            r"README.md/bot: cannot write to this folder .*train\.log_path",
        ),
    ],
)
def test_disagreement_stops_training_before_it_starts(studio, trained, changes, message):
    import re

    outcome = studio.run("train_bot.py", **changes)
    assert outcome.returncode == 2
    assert re.search(message, outcome.stderr), outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_right_train_set_size_is_accepted(studio, trained):
    assert studio.run("train_bot.py", "--epochs", 2, train__train_set_size=3).returncode == 0


def test_pictures_from_records_and_from_files_are_the_same(studio, trained, tmp_path):
    outcome = studio.run("test.py", test__format="png")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("devices: ")
    assert outcome.stdout.splitlines()[-1] == "3 written, 0 skipped"
    files = studio.run(
        "test.py", studio.folder / "hdr", "--output", tmp_path, "--set", "test.format=png"
    )
    assert files.returncode == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["first.png", "second.png", "third one.png"]
    for name in names:
        picture = read_sdr(tmp_path / name)
        assert picture.shape == (184, 200, 3)
        assert (picture.min(), picture.max()) == (0, 255)
        np.testing.assert_array_equal(picture, read_sdr(studio.folder / "result" / name))


def test_bad_files_are_skipped_and_named(studio, trained, tmp_path):
    (tmp_path / "broken.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n")
    write_hdr(tmp_path / "small.hdr", scene(40, 64))
    write_hdr(tmp_path / "good.hdr", scene(64, 72))
    outcome = studio.run("test.py", tmp_path, tmp_path / "gone.hdr", "--output", tmp_path / "out")
    assert outcome.returncode == 1
    assert outcome.stdout.splitlines()[-1] == "1 written, 3 skipped"
    for name in ("broken.hdr", "small.hdr", "gone.hdr"):
        assert name in outcome.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.jpg"]


def test_every_hdr_format_and_the_layers(studio, trained, tmp_path):
    picture = scene(64, 72, 7)
    for suffix in ("hdr", "exr", "pfm", "npy"):
        write_hdr(tmp_path / f"a {suffix}.{suffix}", picture)
    (tmp_path / "a tif.tif").write_bytes(cv2.imencode(".tif", picture[:, :, ::-1])[1].tobytes())
    out = tmp_path / "out"
    outcome = studio.run("test.py", tmp_path, "--output", out, "--save_layers", test__format="png")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-1] == "5 written, 0 skipped"
    exact = [read_sdr(out / f"a {suffix}.png") for suffix in ("exr", "pfm", "npy", "tif")]
    assert all(np.array_equal(exact[0], other) for other in exact[1:])
    layers = {p.name[len("a exr_") : -4] for p in out.glob("a exr_*.png")}
    assert layers == {
        *("input", "high", "bot", "output_high", "output_bot", "new_bot", "input_ft"),
    }
    assert read_sdr(out / "a exr_output_bot.png").shape == (8, 9, 3)


def test_half_size(studio, trained, tmp_path):
    write_hdr(tmp_path / "odd.hdr", scene(139, 205))
    outcome = studio.run(
        "test.py", tmp_path / "odd.hdr", "--test_resize_to_half", "--output", tmp_path / "out"
    )
    assert outcome.returncode == 0
    assert read_sdr(tmp_path / "out" / "odd.jpg").shape == (64, 96, 3)


def test_flags_that_would_do_nothing_are_refused(studio, trained):
    outcome = studio.run("test.py", "--test_resize_to_half")
    assert outcome.returncode == 2 and "settled by generate_tfrec.py" in outcome.stderr
    outcome = studio.run("test.py", studio.folder / "hdr", dev__fuse_mid_layers=True)
    assert outcome.returncode == 2 and "was trained with False; leave it out" in outcome.stderr


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


def test_without_a_checkpoint_there_is_no_picture(studio, records, tmp_path):
    outcome = studio.run("test.py", model__ckp_path_ft=tmp_path / "empty", test__result=tmp_path)
    assert outcome.returncode == 2
    assert "there is no checkpoint in" in outcome.stderr
    assert not list(tmp_path.iterdir())


def test_records_of_another_preparation_are_refused_and_follow_the_checkpoint(
    studio, trained, tmp_path
):
    changes = {"test__tfrecord_test": tmp_path / "test_"}
    forced = studio.run("generate_tfrec.py", dev__decompose_filter="gaussian", **changes)
    assert forced.returncode == 0
    outcome = studio.run("test.py", **changes)
    assert outcome.returncode == 2
    assert "gaussian filter" in outcome.stderr and "bilateral filter" in outcome.stderr


@pytest.fixture
def published(tmp_path):
    return shutil.copytree(GOLDEN / "ftlayer", tmp_path / "ftlayer", copy_function=shutil.copy)


def test_published_checkpoint_gives_the_originals_picture(studio, forward, published, tmp_path):
    np.save(tmp_path / "golden.npy", forward["hdr"])
    outcome = studio.run(
        *("test.py", tmp_path / "golden.npy", "--output", tmp_path),
        model__ckp_path_ft=published,
        test__format="png",
    )
    assert outcome.returncode == 0, outcome.stderr
    picture = read_sdr(tmp_path / "golden.png").astype(int)
    assert np.abs(picture - forward["display_0_255"]).max() <= 1


def test_training_goes_on_from_the_published_checkpoint(studio, records, published):
    outcome = studio.run("train_ft.py", "--epochs", 1, model__ckp_path_ft=published)
    assert outcome.returncode == 0, outcome.stderr
    assert "step 4242, epoch 0" in outcome.stdout
    assert steps_in(published)[-1] == 4244


@pytest.mark.parametrize("ablation", ["--no_high_branch", "--no_ft_branch"])
def test_ablations_train_and_test(studio, trained, tmp_path, ablation):
    changes = {"model__ckp_path_ft": tmp_path / "ft", "train__log_path": tmp_path / "logs"}
    outcome = studio.run("train_ft.py", "--epochs", 1, ablation, **changes)
    assert outcome.returncode == 0, outcome.stderr
    picture = studio.folder / "hdr" / "first.hdr"
    outcome = studio.run("test.py", picture, "--output", tmp_path / "out", **changes)
    assert outcome.returncode == 0, outcome.stderr
    assert read_sdr(tmp_path / "out" / "first.jpg").std() > 1


def test_tensorboard_starts(studio, trained):
    command = [sys.executable, str(ROOT / "run_tfboard.py"), "ft", "--port", "8899"]
    process = subprocess.Popen(
        [*command, *studio.arguments()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.time() + 120
        while True:
            try:
                url = "http://localhost:8899/data/plugins_listing"
                with urllib.request.urlopen(url, timeout=5) as page:
                    assert page.status == 200
                break
            except OSError:
                assert process.poll() is None and time.time() < deadline
                time.sleep(0.3)
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def test_tensorboard_without_summaries(tmp_path):
    outcome = run_script("run_tfboard.py", "bot", "--log_path", tmp_path)
    assert outcome.returncode == 2
    assert "there are no summaries in" in outcome.stderr
