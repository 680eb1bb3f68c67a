"""Draw training curves from TensorBoard's files: what docs/scores.md shows.

python tools/plot_curves.py LOG_PATH OUTPUT.png

LOG_PATH holds bot, high and ft as train.log_path does. Needs matplotlib beside requirements.txt.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

matplotlib.use("Agg")
from matplotlib import pyplot

SCORES = ("Q", "S", "N", "FSITM", "colour_correlation")
DRAWN = ("total_loss", "loss_l1", "loss_ssim", "loss_tmqi", "loss_tmqi_s", "loss_c", "loss_n")
SMOOTH = 15  # summaries averaged


def main():
    """Draw the losses of the three stages and the validation scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    figure, axes = pyplot.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    for axis, stage in zip(axes, ("bot", "high", "ft"), strict=False):
        draw_losses(axis, args.logs / stage)
        axis.set(title=f"{stage}: losses", xlabel="step", yscale="log")
    for name, (steps, values) in scalars(args.logs / "ft" / "val").items():
        if name.removeprefix("val/") in SCORES:
            axes[3].plot(steps, values, ".-", label=name.removeprefix("val/"))
    axes[3].set(title="ft: whole validation pictures", xlabel="step")
    for axis in axes:
        axis.legend(fontsize=7)
        axis.grid(alpha=0.3)
    figure.savefig(args.output, dpi=80)


def draw_losses(axis, folder):
    """Draw the smoothed total and terms of one stage."""
    for name, (steps, values) in sorted(scalars(folder).items()):
        if name.removeprefix("loss/") in DRAWN:
            width = min(SMOOTH, len(values))
            smooth = np.convolve(values, np.ones(width) / width, "valid")
            axis.plot(steps[width - 1 :], smooth, label=name.removeprefix("loss/"), linewidth=1)


def scalars(folder):
    """Return dict from tag to (steps, values) of a folder's event files."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["tensors"]:
        rows = [(e.step, make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]
        rows = [(step, float(value)) for step, value in rows if value.shape == ()]
        if rows:
            found[tag] = tuple(map(np.array, zip(*rows, strict=True)))
    return found


if __name__ == "__main__":
    main()
