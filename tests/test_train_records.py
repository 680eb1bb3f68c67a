"""What a trainer says of records that were made with other settings."""

import copy

import pytest
from helpers.shards import write

from configs.configs import config as defaults
from data.records.index import read_index
from system.errors import InputError
from training.stage import check_records


@pytest.fixture
def config():
    config = copy.deepcopy(defaults)
    config.dev.update(data_domain="linear", decompose_filter="gaussian", fuse_mid_layers=True)
    config.data.update(patch_size_h=16, patch_size_w=24, patch_size_ft_h=16, patch_size_ft_w=24)
    return config


@pytest.mark.parametrize(("stage", "kind"), [("high", "dual"), ("bot", "dual"), ("ft", "ft")])
def test_records_of_other_settings_are_refused(tmp_path, config, stage, kind):
    info = read_index(write(tmp_path / "x_.json", kind, count=8), kind)
    check_records(config, stage, info)
    config.train.train_set_size = 2
    check_records(config, stage, info)
    ft = "ft_" if stage == "ft" else ""
    for section, key, value, message in (
        ("dev", "data_domain", "gamma", "records have .*linear.* dev section says .*gamma"),
        ("dev", "decompose_filter", "bilateral", "records have .*gaussian.* says .*bilateral"),
        ("dev", "fuse_mid_layers", False, "records have .*fused.* says "),
        ("dev", "level_num", 2, "records have .*3.* says .*2"),
        ("data", f"patch_size_{ft}h", 24, "patches of 16x24, .* say 24x24"),
        ("data", f"patch_size_{ft}w", 16, "patches of 16x24, .* say 16x16"),
        ("train", "train_set_size", 3, "train_set_size is 3 but the records hold 2 pairs"),
    ):
        changed = copy.deepcopy(config)
        changed[section][key] = value
        with pytest.raises(InputError, match=message):
            check_records(changed, stage, info)
