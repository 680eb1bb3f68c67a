"""The classical tone-mapping operators by name, for comparison.

Each is called as operator(hdr): H×W×3 linear RGB in any unit to H×W×3 uint8
display-encoded RGB. Its own parameters have the values of its paper or of OpenCV.
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

_FUNCTIONS = (gamma, logarithmic, ward, reinhard_global, reinhard_local, durand)
_FUNCTIONS += (drago, reinhard_devlin, mantiuk)
OPERATORS = {function.__name__: function for function in _FUNCTIONS}
