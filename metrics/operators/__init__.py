"""The classical tone-mapping operators by name, for comparison.

Each is called as operator(hdr): H×W×3 linear RGB in any unit to H×W×3 uint8
display-encoded RGB. Parameters have the values of the operator's paper or of OpenCV.
"""

from metrics.operators.global_operators import (
    drago,
    gamma,
    logarithmic,
    reinhard_devlin,
    reinhard_global,
    ward,
)
from metrics.operators.local_operators import durand, mantiuk, reinhard_local

OPERATORS = {
    **{"gamma": gamma, "logarithmic": logarithmic, "ward": ward},
    **{"reinhard_global": reinhard_global, "reinhard_local": reinhard_local, "durand": durand},
    **{"drago": drago, "reinhard_devlin": reinhard_devlin, "mantiuk": mantiuk},
}
