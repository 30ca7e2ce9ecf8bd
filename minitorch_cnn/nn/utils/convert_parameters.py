"""All parameters of a network as one long vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ...ops.join import cat
from ...tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one parameter after another, as one vector (total_length,).

    The order in each is that of its axes, the last one fastest. Raises RuntimeError for no
    parameters.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.parameters_to_vector(mt.nn.Linear(3, 2).parameters()).shape
    minitorch_cnn.Size([8])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Gives all parameters their part of a vector (total_length,) as new values.

    Raises TypeError if vec is no tensor, RuntimeError if it is too short; what is left is ignored.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Linear(2, 1)
    >>> mt.nn.utils.vector_to_parameters(mt.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        stop = start + parameter.numel()
        parameter.data = vec[start:stop].reshape(parameter.shape).data
        start = stop
