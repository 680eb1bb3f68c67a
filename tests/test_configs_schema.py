import copy
import logging
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from helpers.documents import ORIGINAL

from configs.command_line import keys_from_set, make_parser, settings
from configs.configs import config as defaults
from configs.presets import PRESETS
from configs.schema import KINDS, check_file, check_together, existing_folder
from system.errors import InputError

SWITCHES = {"epochs": "train.epochs_ft", "no_high_branch": "dev.no_high_branch"}


def parsed(*arguments):
    return settings(make_parser("x", SWITCHES).parse_args(arguments), SWITCHES)


def test_the_file_has_every_key_and_marks_those_that_the_original_lacks():
    found, unmarked = {section: set() for section in KINDS}, {section: set() for section in KINDS}
    comment, above = "", ""
    for line in (ROOT / "configs" / "configs.py").read_text().splitlines():
        # A comment is for all settings below it, up to the next one.
        comment = (comment if above.startswith("#") else "") + line if line[:1] == "#" else comment
        if assignment := re.match(r"config\.(\w+)\.(\w+) = ", line):
            section, key = assignment.groups()
            found[section].add(key)
            if "(+)" not in comment + line:
                unmarked[section].add(key)
        elif line[:1] != "#":
            comment = ""
        above = line
    assert found == {section: set(kinds) for section, kinds in KINDS.items()}
    assert unmarked == {section: set(keys.split()) for section, keys in ORIGINAL.items()}


def test_the_tests_own_settings_have_every_key():
    check_file(defaults)
    check_together(defaults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.batchsize_ft=4", r"train\.batchsize_ft is no setting; did you mean train\.batch_s"),
        ("training.seed=4", r"training is no section; did you mean train\?"),
        ("level_num=4", r"level_num is no setting; write section\.key"),
        ("dev.level_num", r"--set dev\.level_num: write it as --set section\.key=value"),
        ("train.batch_size_ft=eight", r"train\.batch_size_ft is 'eight'; it must be a whole num"),
        ("train.batch_size_ft=0", "it must be a whole number of 1 or more"),
        ("train.batch_size_ft=2.0", "it must be a whole number of 1 or more"),
        ("train.batch_size_ft=True", "it must be a whole number of 1 or more"),
        ("train.lr_ft=nan", "it must be a number above 0"),
        ("train.lr_ft=1e999", "it must be a number above 0"),
        ("dev.ft=yes", "it must be True or False"),
        ("dev.data_domain=log", "it must be 'gamma' or 'linear'"),
        ("model.ckp_path_ft=", "it must be a text"),
        ("train.loss_weights_ft={'h': -1}", "a dict from loss term to a weight of 0 or more"),
        ("train.loss_weights_ft={1:2}", r"is \{1: 2\}; it must be a dict from loss term to a"),
        ("train.loss_weights_bot={'items': 1}", "it must be a dict from loss term to a weight"),
        ("train.loss_weights_ft={'h': {'a': 1}}", "it must be a dict from loss term to a weight"),
        (
            "data.patch_size_w=100",
            r"data\.patch_size_w is 100; .* multiple of 8, for instance 96",
        ),
        ("data.patch_ratio_x=0.9", "the first is the smaller one"),
        ("train.displayed_share=0.5", "needs model.display_range = 'clip'"),
        ("model.display_guided=-1", "it must be a whole number from 0 to 1000"),
    ],
)
def test_mistakes_are_one_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        parsed("--set", text)
    assert "\n" not in str(caught.value)


def test_patch_sizes_follow_level_num():
    assert parsed("--set", "dev.level_num=5").dev.level_num == 5
    with pytest.raises(InputError, match="a multiple of 64"):
        parsed("--set", "dev.level_num=6", "--set", "data.patch_size_h=544")


def test_missing_and_misspelt_keys_of_the_file():
    config = copy.deepcopy(defaults)
    del config.train["seed"]
    with pytest.raises(InputError, match=r"train\.seed is missing"):
        check_file(config)
    config = copy.deepcopy(defaults)
    config.dev.decompose_fliter = "gaussian"
    with pytest.raises(InputError, match=r"did you mean dev\.decompose_filter"):
        check_file(config)
    config = copy.deepcopy(defaults)
    config.dev = 3
    with pytest.raises(InputError, match="dev is a section"):
        check_file(config)
    config = copy.deepcopy(defaults)
    config.train.loss_weights_ft = {"items": 1}
    with pytest.raises(InputError, match=r"train\.loss_weights_ft is \{'items': 1\}"):
        check_file(config)


def test_set_reads_python_values_and_texts():
    config = parsed(
        *("--set", "train.train_set_size=12", "--set", "model.loss_vgg=None"),
        *("--set", "model.ckp_path_ft=my folder/ft", "--set", "dev.fuse_mid_layers=true"),
        *("--set", "train.loss_weights_ft={'h': 0}"),
    )
    assert config.train.train_set_size == 12
    assert config.model.loss_vgg is None
    assert config.model.ckp_path_ft == "my folder/ft"
    assert config.dev.fuse_mid_layers is True
    assert config.train.loss_weights_ft == {"h": 0}


def test_a_text_setting_takes_any_text():
    assert parsed("--set", "test.result=2024").test.result == "2024"
    assert parsed("--set", "model.loss_vgg=2024").model.loss_vgg == "2024"
    with pytest.raises(InputError, match="a dict from loss term"):
        parsed("--set", "train.loss_weights_ft={[1]: 2}")


def test_switches_win_over_set_and_leave_the_defaults_alone():
    config = parsed("--set", "train.epochs_ft=7", "--epochs", "3", "--no_high_branch")
    assert config.train.epochs_ft == 3
    assert config.dev.no_high_branch is True
    assert defaults.train.epochs_ft == 1000
    assert parsed().dev.no_high_branch is False
    with pytest.raises(InputError, match=r"train\.epochs_ft is 'many'"):
        parsed("--epochs", "many")


def test_keys_from_set():
    args = make_parser("x", {}).parse_args(["--set", "dev.ft=True", "--set", "test.format=png"])
    assert keys_from_set(args) == {"dev.ft", "test.format"}


def test_missing_folder(tmp_path):
    assert existing_folder(tmp_path, "data.hdr_path") == tmp_path
    with pytest.raises(InputError, match=r"nowhere does not exist; .* data\.hdr_path"):
        existing_folder(tmp_path / "nowhere", "data.hdr_path")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_passes_and_set_wins_over_it(name):
    config = parsed("--preset", name, "--set", "train.seed=77")
    assert config.train.seed == 77
    for setting, value in PRESETS[name].items():
        section, key = setting.split(".")
        assert config[section][key] == value
    key, changed = "train.epochs_bot", 3
    assert parsed("--preset", name, "--set", f"{key}={changed}").train.epochs_bot == changed


def test_a_preset_names_what_it_replaces(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(defaults.train, "lr_bot", 0.25)
    monkeypatch.setattr(defaults.train, "pad_bot", True)
    monkeypatch.setattr(defaults.train, "lr_ft", 0.5)  # not in the preset
    assert parsed("--preset", "shipped").train.lr_ft == 0.5
    (said,) = caplog.messages
    assert said.startswith("--preset shipped replaces of configs.py: ")
    assert "train.lr_bot 0.25 by 0.001" in said
    assert "pad_bot" not in said and "lr_ft" not in said
    caplog.clear()
    parsed()
    assert not caplog.messages


@pytest.fixture
def project(tmp_path):
    """A copy of run_tfboard.py and of the packages that it imports."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "run_tfboard.py", folder)
    for name in ("configs", "data", "models", "standards", "system"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def run_edited(project, line, *arguments, cwd=None):
    """Return (status, standard error, number of the line) with a line added to configs.py."""
    file = project / "configs" / "configs.py"
    text = (ROOT / "configs" / "configs.py").read_text()
    file.write_text(f"{text}{line}\n")
    done = subprocess.run(
        [sys.executable, project / "run_tfboard.py", "high", *arguments],
        cwd=cwd or project,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr, text.count("\n") + 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("config.test.result = out/", "invalid syntax: {}; texts such as paths stand in quotes"),
        ("config.test.result = /out", "invalid syntax: {}; texts such as paths stand in quotes"),
        (
            "config.test.result = out",
            "name 'out' is not defined: {}; texts such as paths stand in quotes",
        ),
        ("config.tets.result = 'out'", "'EasyDict' object has no attribute 'tets': {}"),
        (
            "config.train.loss_weights_ft = {1: 2}",
            "attribute name must be string, not 'int': {}; "
            'names in a dict are texts in quotes, for instance {{"h": 0.0}}',
        ),
    ],
)
def test_a_line_that_is_no_python_is_one_sentence(project, line, message):
    status, said, number = run_edited(project, line)
    path = project / "configs" / "configs.py"
    message = message.format(line)
    assert (status, said) == (2, f"run_tfboard.py: {path}, line {number}: {message}\n")


@pytest.mark.script
def test_paths_of_the_file_start_at_the_project(project, tmp_path):
    line, nothing = "config.train.log_path = 'curves/'", "there are no summaries in {};"
    assert nothing.format("curves/high") in run_edited(project, line)[1]
    assert nothing.format(project / "curves/high") in run_edited(project, line, cwd=tmp_path)[1]
    for arguments in (["--log_path", "mine"], ["--set", "train.log_path=mine"]):
        said = run_edited(project, line, *arguments, cwd=tmp_path)[1]
        assert nothing.format("mine/high") in said
    assert nothing.format("/far/high") in run_edited(project, line.replace("curves", "/far"))[1]


def test_every_path_of_the_file_starts_at_the_project(monkeypatch, tmp_path):
    monkeypatch.setattr(defaults.train, "val_path", "val/")
    at_root = parsed()
    monkeypatch.chdir(tmp_path)
    for section, values in parsed().items():
        for key, value in values.items():
            before = at_root[section][key]
            with_slash = isinstance(before, str) and "/" in before
            assert value == (f"{ROOT}/{before}" if with_slash else before)


PROGRAM = """
import logging, sys
from tqdm import tqdm
from configs.command_line import run
from system.errors import InputError

def main():
    bar = tqdm(total=2)
    logging.getLogger("training.stage").info("a step of %d", 5)
    logging.getLogger("training.stage").debug("nothing")
    logging.getLogger("models").warning("no weights")
    logging.getLogger("other.library").info("chatter")
    logging.getLogger("other.library").warning("old version")
    raise {error}

sys.argv = ["dir/script.py"]
run(main)
"""


@pytest.mark.parametrize(
    ("error", "status", "last"),
    [
        ("InputError('x.hdr is bad;\\nnext')", 2, "script.py: x.hdr is bad;\\nnext"),
        ("KeyboardInterrupt", 130, "interrupted"),
    ],
)
def test_messages_are_bare_lines_above_a_bar(error, status, last):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(error=error)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status
    assert done.stdout == "a step of 5\n"
    lines = [line for line in done.stderr.splitlines() if line.strip() and "0/2" not in line]
    assert lines == ["no weights", "old version", last]
