"""The classical tone-mapping operators by name, for comparison.

Each is called as operator(hdr): H×W×3 linear RGB in any unit to H×W×3 uint8
display-encoded RGB. Parameters have the values of the operator's paper or of OpenCV.
"""

from metrics.operators.classical import OPERATORS

__all__ = ["OPERATORS"]
