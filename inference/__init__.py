"""The trained operator: from an HDR picture to the displayed one.

from inference import load_operator
operator = load_operator()
picture = operator(rgb)
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from system.devices import bfloat16_is_fast, devices_in_use, import_tensorflow

if TYPE_CHECKING:
    from data.preparation.prepare import Preparation
    from inference.operator import Operator

logger = logging.getLogger(__name__)


def load_operator(
    folder: str | os.PathLike[str] | None = None,
    default_preparation: Preparation | None = None,
    precision: str = "float32",
    **options: Any,
) -> Operator:
    """Load the trained network; log the devices and the checkpoint in use.

    Args:
        folder: of the checkpoint; by default the project's checkpoints/ftlayer, or the
            pretrained one while that is empty.
        default_preparation, precision, options: see inference.operator.Operator.

    Returns:
        The inference.operator.Operator: a function from H×W×3 linear float RGB to H×W×3 uint8.

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
