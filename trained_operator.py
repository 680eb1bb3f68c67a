"""Loading the trained network, as test.py, evaluate.py and export.py do."""

import sys

from configs.quiet import import_tensorflow
from data.prepare import Preparation


def load_operator(config):
    """Return the models.inference.Operator of model.ckp_path_ft; print what is in use.

    Raises:
        InputError: no whole checkpoint there, or one that does not fit.
    """
    import_tensorflow()
    from models.devices import devices_in_use
    from models.inference import Operator

    print(f"devices: {devices_in_use()}", flush=True)
    operator = Operator(
        config.model.ckp_path_ft,
        Preparation.from_settings(config.dev),
        config.dev.no_high_branch,
        config.dev.no_ft_branch,
    )
    if operator.kept.remark:
        print(operator.kept.remark, file=sys.stderr)
    print(f"checkpoint: {operator.path} ({operator.preparation.words()})", flush=True)
    return operator
