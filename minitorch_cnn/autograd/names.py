"""What torch calls the operations: `y.grad_fn.name()`, as programs print it and compare it.

A node's name is that of its Function with "Backward0" after it, but for those in the table. Several
of torch's operations are one Function here and the other way round; a result that is put together
from others has the name of the last step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PACKAGE = __name__.partition(".")[0]


def _sum(node: Any) -> str:
    return "SumBackward0" if node._outputs_meta[0][0] == () else "SumBackward1"


def _power(node: Any) -> str:
    """0: of a tensor by a number, 1: by a tensor, 2: of a number."""
    if node._inputs_meta[1] == ():
        return "PowBackward0"
    return "PowBackward2" if node._inputs_meta[0] == () else "PowBackward1"


def _basic_index(node: Any) -> str:
    """torch takes an index apart: the last of its entries that changes something counts."""
    for entry in reversed(node.args[0]):
        if entry is None:
            return "UnsqueezeBackward0"
        if not isinstance(entry, slice):
            return "SelectBackward0" if entry is not Ellipsis else "AliasBackward0"
        if entry != slice(None):
            return "SliceBackward0"
    return "AliasBackward0"


def _linear(node: Any) -> str:
    """torch has one operation for a matrix of rows, and puts it together for more dimensions."""
    without_bias = node._inputs_meta[2] == ()
    if len(node._outputs_meta[0][0]) != 2:
        return "UnsafeViewBackward0" if without_bias else "ViewBackward0"
    return "MmBackward0" if without_bias else "AddmmBackward0"


def _product(node: Any) -> str:
    return {2: "MmBackward0", 3: "BmmBackward0"}.get(
        len(node._outputs_meta[0][0]), "UnsafeViewBackward0"
    )


def _minus(node: Any) -> str:
    return "RsubBackward1" if node._inputs_meta[0] == () else "SubBackward0"


def _with_number(name: str, of_first: str, of_second: str) -> Callable[[Any], str]:
    """torch numbers its nodes by which of the two operands is a number."""

    def found(node: Any) -> str:
        first, second = (meta == () for meta in node._inputs_meta[:2])
        return f"{name}Backward{of_first if first else of_second if second else 0}"

    return found


# Of these, torch has a node with two inputs also where one of them is a number.
OF_TWO = ("AddBackward0", "DivBackward0", "DivBackward2", "MulBackward0", "SubBackward0")

LOSSES = {
    "CrossEntropy": "NllLossBackward0",
    "SmoothL1": "SmoothL1LossBackward0",
    "Huber": "HuberLossBackward0",
    "BinaryCrossEntropy": "BinaryCrossEntropyBackward0",
    "BCEWithLogits": "BinaryCrossEntropyWithLogitsBackward0",
}


def _quotient(node: Any) -> str:
    """A mean, or a loss, is a sum divided by a number."""
    before = node._edges[0] and node._edges[0][0]
    if node._inputs_meta[1] != () or not hasattr(before, "_function"):
        return "DivBackward0"
    maker = before._function.__name__
    if maker == "Sum" and before._edges[0] and hasattr(before._edges[0][0], "_function"):
        maker = before._edges[0][0]._function.__name__
    if maker in LOSSES:
        return LOSSES[maker]
    if getattr(before, "of_mean", False):
        return "MeanBackward0" if node._outputs_meta[0][0] == () else "MeanBackward1"
    return "DivBackward0"


# By the name of the Function: torch's, or what finds it.
TORCHS: dict[str, str | Callable[[Any], str]] = {
    "Sum": _sum,
    "Div": _quotient,
    "Pow": _power,
    "BasicIndex": _basic_index,
    "Linear": _linear,
    "MatMul": _product,
    "AdvancedIndex": "IndexBackward0",
    "AvgPool": "AvgPool2DBackward0",
    "BatchNorm": "NativeBatchNormBackward0",
    "Cholesky": "LinalgCholeskyExBackward0",
    "Clamp": "ClampBackward1",
    "ConstantPad": "ConstantPadNdBackward0",
    "Contiguous": "CloneBackward0",
    "CopySign": _with_number("Copysign", "0", "1"),
    "Conv2dFunction": "ConvolutionBackward0",
    "CrossEntropy": "NllLossBackward0",
    "CumProd": "CumprodBackward0",
    "CumSum": "CumsumBackward0",
    "Det": "LinalgDetBackward0",
    "Dropout": "MulBackward0",
    "ELU": "EluBackward0",
    "Extreme": "AmaxBackward0",
    "GELU": "GeluBackward0",
    "GELUTanh": "GeluBackward0",
    "Inverse": "LinalgInvExBackward0",
    "LogAddExp": "LogaddexpBackward0",
    "LeakyReLU": "LeakyReluBackward0",
    "MaxPool": "MaxPool2DWithIndicesBackward0",
    "Middle": "MedianBackward0",
    "PReLU": "PreluKernelBackward0",
    "QR": "LinalgQrBackward0",
    "ReLU": "ReluBackward0",
    "ReLUInplace": "ReluBackward0",
    "Replace": "CopyBackwards",
    "Reshape": "ViewBackward0",
    "ReshapedCopy": "UnsafeViewBackward0",
    "RefuseSecond": "Error",
    "Resize": "UpsampleBilinear2DBackward0",
    "Rint": "RoundBackward0",
    "RoundedDivide": "DivBackward2",
    "SafeSqrt": "SqrtBackward0",
    "SiLU": "SiluBackward0",
    "Solve": "LinalgSolveExBackward0",
    "Sub": _minus,
    "Spread": "ExpandBackward0",
    "SVD": "LinalgSvdBackward0",
    "TableRows": "EmbeddingBackward0",
    "Triangle": lambda node: f"{node.which.capitalize()}Backward0",
    "ToDevice": "ToCopyBackward0",
    "ToType": "ToCopyBackward0",
    "XLogY": _with_number("Xlogy", "1", "2"),
}


def called(result: Any, name: str) -> Any:
    """A tensor that several operations made, with torch's name for all of them together.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.mse_loss(mt.ones(2, requires_grad=True), mt.zeros(2))
    tensor(1., grad_fn=<MseLossBackward0>)
    """
    if result._node is not None:
        result._node._called = name
    return result


def torchs_name(node: Any) -> str:
    """The name that torch's node of this operation has. A user's own: without the number."""
    if "_called" in node.__dict__:
        return node._called
    function = node._function
    if function.__module__.partition(".")[0] != PACKAGE:
        return f"{function.__name__}Backward"
    known = TORCHS.get(function.__name__)
    if known is None:
        return f"{function.__name__[0].upper()}{function.__name__[1:]}Backward0"
    return known if isinstance(known, str) else known(node)
