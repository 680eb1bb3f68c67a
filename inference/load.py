"""Loading the trained network, as test.py, evaluate.py and export.py do."""

import sys

from data.preparation.prepare import Preparation
from system.devices import import_tensorflow


def load_operator(config):
    """Return the inference.operator.Operator of model.ckp_path_ft; print what is in use.

    Raises:
        InputError: no whole checkpoint there, or one that does not fit.
    """
    import_tensorflow()
    from inference.operator import Operator
    from system.devices import devices_in_use

    print(f"devices: {devices_in_use()}", flush=True)
    operator = Operator(
        config.model.ckp_path_ft,
        Preparation.from_settings(config.dev),
        config.dev.no_high_branch,
        config.dev.no_ft_branch,
    )
    if operator.info.remark:
        print(operator.info.remark, file=sys.stderr)
    print(f"checkpoint: {operator.path} ({operator.preparation.describe()})", flush=True)
    return operator
