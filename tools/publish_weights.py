"""Write the newest checkpoint of each stage without Adam's moments, as in checkpoints/pretrained.

python tools/publish_weights.py --bot DIR --high DIR --ft DIR ... --output DIR

Of several folders of a stage the mean of their weights is written, with the settings of the last.
--set model.display_KEY=VALUE changes how ft is displayed, see configs/configs.py.
"""

import argparse
import ast
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from configs.configs import config as defaults  # noqa: E402
from configs.schema import PATHS  # noqa: E402
from system.devices import import_tensorflow  # noqa: E402

STAGES = ("bot", "high", "ft")


def main():
    """Publish the stages that are given and print the sums of their files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for stage in STAGES:
        parser.add_argument(f"--{stage}", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="model.display_KEY=VALUE")
    args = parser.parse_args()
    import_tensorflow()
    for stage in STAGES:
        if folders := getattr(args, stage):
            publish_stage(stage, folders, args.output / f"{stage}layer", args.set)
    for path in sorted(args.output.glob("*layer/model-*")):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(args.output))


def publish_stage(stage, sources, target, changes):
    """Write the mean of one stage's weights, and the last folder's settings, to `target`."""
    from models.tone_mapper import make_branches
    from models.weights import newest_checkpoint
    from training.checkpoint import write_weights

    checkpoints = [newest_checkpoint(folder) for folder in sources]
    settings = json.loads(checkpoints[-1].value("settings"))
    for change in changes if stage == "ft" else ():
        name, _, value = change.partition("=")
        key = name.removeprefix("model.display_")
        old = settings["display"].get(key)
        settings["display"][key] = value if isinstance(old, str) else ast.literal_eval(value)
        settings["config"]["model"][f"display_{key}"] = settings["display"][key]
    settings.pop("start", None)
    for section, key in PATHS:
        if key != "loss_vgg":  # what was trained with; where the files lay says nothing
            settings["config"][section][key] = defaults[section][key]
    branches = make_branches()
    used = branches.used() if stage == "ft" else {stage: getattr(branches, stage)}
    write_weights(target, stage, used, checkpoints, settings)


if __name__ == "__main__":
    main()
