"""Names of the Functions in minitorch_cnn/ops whose results need no rule of their own."""

from __future__ import annotations

# Functions of each number by itself, and the options in their arguments.
CURVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ReLU": ("relu", ()),
    "ReLUInplace": ("relu", ()),
    "LeakyReLU": ("leakyrelu", ("slope",)),
    "ELU": ("elu", ("alpha", "scale", "rate")),
    "GELU": ("gelu", ()),
    "GELUTanh": ("gelutanh", ()),
    "SiLU": ("silu", ()),
    "Mish": ("mish", ()),
    "Hardsigmoid": ("hardsigmoid", ()),
    "Hardswish": ("hardswish", ()),
    "Hardtanh": ("hardtanh", ("low", "high")),
    "Clamp": ("clamp", ("low", "high")),
    "Softplus": ("softplus", ("beta", "threshold")),
    "Sigmoid": ("sigmoid", ()),
    "Tanh": ("tanh", ()),
    "Exp": ("exp", ()),
    "Log": ("log", ()),
    "Sqrt": ("sqrt", ()),
    "SafeSqrt": ("sqrt", ()),
    "Rsqrt": ("rsqrt", ()),
    "Reciprocal": ("reciprocal", ()),
    "Sin": ("sin", ()),
    "Cos": ("cos", ()),
    "Erf": ("erf", ()),
    "Expm1": ("expm1", ()),
    "Log1P": ("log1p", ()),
    "Tan": ("tan", ()),
    "Atan": ("atan", ()),
    "Sinh": ("sinh", ()),
    "Cosh": ("cosh", ()),
    "Abs": ("abs", ()),
    "Sign": ("sign", ()),
    "Neg": ("neg", ()),
}
BINARY = {
    "Add": "plus",
    "Sub": "minus",
    "Mul": "times",
    "Div": "divide",
    "Pow": "power",
    "Maximum": "maximum",
    "Minimum": "minimum",
}
SAME_NUMBERS = {"Clone", "Contiguous", "ToType", "ToDevice", "Reshape", "ReshapedCopy", "Border"}
# Those whose results are numbers of their arguments, at other places.
MOVES = {
    "Cat", "ConstantPad", "IndexSelect", "AdvancedIndex", "Gather", "Flip", "Roll", "Pick", "Where",
    "PutByIndex", "WriteIntoView", "BasicIndex", "Permute", "Expand", "Diagonal", "Unfold",
    "SliceWindows", "TableRows", "Triangle", "Scatter",
}  # fmt: skip
