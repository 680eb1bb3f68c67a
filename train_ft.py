"""Train the joint network (step 2).

Needs the records of `python generate_tfrec.py --phase training --ft`. Starts
from the branches that train_high.py and train_bot.py saved, where they did.
Run it again to go on where it stopped: --epochs counts all epochs, those
before included.
"""

from configs.command_line import make_parser, run, settings
from system.devices import import_tensorflow

SWITCHES = {
    "epochs": "train.epochs_ft",
    "no_high_branch": "dev.no_high_branch",
    "no_ft_branch": "dev.no_ft_branch",
}


def main(argv=None):
    """Train the ft stage; return the exit status."""
    args = make_parser(__doc__, SWITCHES).parse_args(argv)
    config = settings(args, SWITCHES)
    import_tensorflow()
    from configs.stage_settings import stage_settings
    from training.stage import train

    return train(stage_settings("ft", config, args.preset))


if __name__ == "__main__":
    run(main)
