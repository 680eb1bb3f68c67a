import copy

import pytest

from configs.command_line import keys_from_set, make_parser, settings
from configs.configs import config as defaults
from configs.presets import PRESETS
from configs.schema import KINDS, check, existing_folder
from system.errors import InputError

SWITCHES = {"epochs": "train.epochs_ft", "no_high_branch": "dev.no_high_branch"}


def parsed(*arguments):
    return settings(make_parser("x", SWITCHES).parse_args(arguments), SWITCHES)


def test_the_defaults_pass_and_every_key_has_a_kind():
    check(defaults)
    assert {s: set(defaults[s]) for s in defaults} == {s: set(KINDS[s]) for s in KINDS}


def test_the_originals_defaults():
    assert defaults.model.ckp_path_high == "checkpoints/highlayer/"
    assert (defaults.data.patch_size_h, defaults.data.patch_size_ft_w) == (512, 256)
    assert (defaults.data.patch_ratio_x, defaults.data.patch_ratio_y) == (0.1, 0.6)
    train = defaults.train
    assert (train.batch_size_high, train.batch_size_bot, train.batch_size_ft) == (4, 32, 8)
    assert (train.epochs_high, train.epochs_bot, train.epochs_ft) == (350, 1600, 1000)
    assert (train.lr_high, train.lr_bot, train.lr_ft, train.lr_final) == (3e-4, 3e-4, 1.5e-3, 1)
    dev = defaults.dev
    assert (dev.data_domain, dev.decompose_filter, dev.level_num) == ("gamma", "bilateral", 3)
    assert not dev.fuse_mid_layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.batchsize_ft=4", r"train\.batchsize_ft is no setting; did you mean train\.batch_s"),
        ("training.seed=4", "training is no section; the sections are model, data, train"),
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
        check(config)
    config = copy.deepcopy(defaults)
    config.dev.decompose_fliter = "gaussian"
    with pytest.raises(InputError, match=r"did you mean dev\.decompose_filter"):
        check(config)
    config = copy.deepcopy(defaults)
    config.dev = 3
    with pytest.raises(InputError, match="dev is a section"):
        check(config)


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


def test_given_by_hand():
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


def test_structural_fidelity_needs_domain_gamma():
    weight = ("--set", "train.loss_weights_ft={'s': 0.3}")
    assert parsed(*weight).train.loss_weights_ft == {"s": 0.3}
    with pytest.raises(InputError, match="reads domain gamma"):
        parsed(*weight, "--set", "dev.data_domain=linear")
