import copy

import pytest

from configs.configs import config as defaults
from data.preparation.prepare import Preparation
from system.errors import InputError
from training.stage import check_records


class Info:
    """What check_records reads of a data.records.test_records.RecordInfo."""

    count, patch_per_img = 16, 16

    def __init__(self, config, side, bot):
        self.preparation = Preparation.from_settings(config.dev)
        self.shapes = {"hdr_high": (side, side, 3), "hdr_bot": (bot, bot, 3)}


@pytest.mark.parametrize(("level_num", "fits"), [(3, True), (5, True), (6, False)])
def test_padded_training_needs_a_bot_layer_that_can_be_mirrored(level_num, fits):
    config = copy.deepcopy(defaults)
    config.train.pad_bot, config.dev.level_num = True, level_num
    info = Info(config, 256, 256 // 2**level_num)
    if fits:
        check_records(config, "ft", info)
    else:
        with pytest.raises(InputError, match=r"train\.pad_bot needs bot layers of 7 .* have 4"):
            check_records(config, "ft", info)
        config.train.pad_bot = False
        check_records(config, "ft", info)
