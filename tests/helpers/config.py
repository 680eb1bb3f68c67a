"""The settings that tests run with in place of configs/configs.py: the documented defaults."""

import ast

from easydict import EasyDict

from helpers.documents import documented_settings

config = EasyDict()
for name, (default, _) in documented_settings().items():
    section, key = name.split(".")
    config.setdefault(section, EasyDict())[key] = ast.literal_eval(default)
config.model.ckp_root = "checkpoints/of_no_test/"  # never there, so the shipped weights are taken
