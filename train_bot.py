"""Train N_G, the branch of the small base layer (step 1).

Needs the records of `python generate_tfrec.py --phase training`. Run it again
to go on where it stopped: --epochs counts all epochs, those before included.
"""

from configs.command_line import run
from training.stage import train

SWITCHES = {"epochs": "train.epochs_bot"}


def main(argv=None):
    """Train the bot stage; return the exit status."""
    return train("bot", __doc__, SWITCHES, argv)


if __name__ == "__main__":
    run(main)
