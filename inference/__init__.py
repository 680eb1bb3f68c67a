"""The trained operator: from an HDR picture to the displayed one."""

import logging

from system.devices import bfloat16_is_fast, devices_in_use, import_tensorflow

logger = logging.getLogger(__name__)


def load_operator(folder, default_preparation, precision="float32", **options):
    """Load the trained network; log the devices and the checkpoint in use.

    Args:
        folder, default_preparation, precision, options: see inference.operator.Operator.

    Returns:
        The inference.operator.Operator.

    Raises:
        InputError: no whole checkpoint there, or one that does not fit.
    """
    import_tensorflow()
    from inference.operator import Operator

    logger.info("devices: %s", devices_in_use())
    if precision == "bfloat16" and bfloat16_is_fast() is False:
        logger.warning(
            "bfloat16 will be slow: this processor has neither AVX-512 BF16 nor AMX; "
            "--precision float32 is faster"
        )
    operator = Operator(folder, default_preparation, precision, **options)
    if operator.info.remark:
        logger.warning(operator.info.remark)
    logger.info("checkpoint: %s (%s)", operator.path, operator.preparation.describe())
    return operator
