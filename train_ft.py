"""Train the joint network (step 2).

Needs the records of `python generate_tfrec.py --phase training --ft`, and the
branches that train_bot.py and train_high.py saved. Run it again to go on where it
stopped: --epochs counts all epochs, those before included.
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
    parser = make_parser(__doc__, SWITCHES)
    text = "fine-tune these weights of all branches: pretrained (the shipped ones), or a folder"
    parser.add_argument("--start_from", metavar="FOLDER", help=text)
    text = "start a branch that has no checkpoint with fresh weights"
    parser.add_argument("--skip_step_1", action="store_true", help=text)
    args = parser.parse_args(argv)
    config = settings(args, SWITCHES)
    import_tensorflow()
    from configs.stage_settings import stage_settings
    from training.stage import train

    start = {"start_from": args.start_from, "skip_step_1": args.skip_step_1}
    return train(stage_settings("ft", config, args.preset, **start))


if __name__ == "__main__":
    run(main)
