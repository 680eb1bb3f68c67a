"""Train N_L, the branch of the detail layer (step 1).

Needs the records of `python generate_tfrec.py --phase training`. Run it again
to go on where it stopped: --epochs counts all epochs, those before included.
"""

from configs.command_line import make_parser, run, settings
from system.devices import import_tensorflow

SWITCHES = {"epochs": "train.epochs_high"}


def main(argv=None):
    """Train the high stage; return the exit status."""
    args = make_parser(__doc__, SWITCHES).parse_args(argv)
    config = settings(args, SWITCHES)
    import_tensorflow()
    from configs.stage_settings import stage_settings
    from training.stage import train

    return train(stage_settings("high", config, args.preset))


if __name__ == "__main__":
    run(main)
