"""What a checkpoint says of itself."""

import json
import os
from typing import NamedTuple

from data.preparation.prepare import Preparation
from models.checkpoint_files import newest
from models.display import Display
from models.import_tf1 import is_tf1
from system.errors import InputError

VALUE = ".ATTRIBUTES/VARIABLE_VALUE"  # behind a variable's name in TensorFlow's files


class CheckpointInfo(NamedTuple):
    """The settings kept with the weights; a published file leaves the paper's defaults.

    remark is a sentence to print where damage made it the newest, else None.
    """

    step: int
    preparation: Preparation | None
    display: Display
    no_high_branch: bool
    no_ft_branch: bool
    remark: str | None


def info_in(folder):
    """Return the CheckpointInfo of a folder's newest whole checkpoint, or None.

    Raises:
        InputError: all are damaged, or it is of another program.
    """
    found = newest(folder)
    return found and info_of(found)


def info_of(found):
    """Return the CheckpointInfo of a models.checkpoint_files.Newest.

    Raises:
        InputError: its values are not those of this project.
    """
    path, reader, remark = found
    try:
        if is_tf1(reader):
            step = int(reader.get_tensor("global_step"))
            return CheckpointInfo(step, None, Display(), False, False, remark)
        settings = json.loads(reader.get_tensor(f"settings/{VALUE}"))
        return CheckpointInfo(
            int(reader.get_tensor(f"step/{VALUE}")),
            Preparation.from_settings(settings["preparation"]),
            Display(**settings["display"]),
            settings["no_high_branch"],
            settings["no_ft_branch"],
            remark,
        )
    except Exception as error:  # the reader raises its own kinds, foreign settings any
        raise InputError(
            f"{path} is of another program; put a checkpoint of this one there, or remove it"
        ) from error


def copy_for_reading(folder, settings):
    """Write settings.json, which people read and no program does; raises OSError."""
    part = folder / "settings.json.part"
    part.write_text(json.dumps(settings, indent=2) + "\n")
    os.replace(part, folder / "settings.json")
