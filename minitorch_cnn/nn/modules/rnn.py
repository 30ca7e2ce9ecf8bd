"""Recurrent layers: a state that goes from step to step of a sequence.

The products with the input are one matrix product for all steps; what is left for each step is
the product with the state before. A packed sequence has fewer rows in later steps, and a padded one
is a packed one whose steps all have the same number.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from ...ops.creation import empty, zeros
from ...ops.join import cat, stack
from ...tensor import Tensor, shape_text
from .. import init
from ..functional import dropout, linear, relu, sigmoid, tanh
from ..packed import PackedSequence
from ..parameter import Parameter
from .module import Module

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


def lstm_step(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """(h, c) from the gates (N, 4 hidden_size): input, forget, cell, output."""
    i, f, g, o = gates.chunk(4, 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def gru_step(x: Tensor, h_products: Tensor, h: Tensor) -> Tensor:
    """h from both products (N, 3 hidden_size): reset, update, new."""
    xr, xz, xn = x.chunk(3, 1)
    hr, hz, hn = h_products.chunk(3, 1)
    z = sigmoid(xz + hz)
    n = tanh(xn + sigmoid(xr + hr) * hn)
    return n + z * (h - n)


def draw_uniform(module: Module, hidden_size: int) -> None:
    """Initial values of all parameters: uniform in +-1/sqrt(hidden_size)."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNBase(Module):
    """What `RNN`, `LSTM` and `GRU` have in common. mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".

    Input (T, N, input_size), (N, T, input_size) with batch_first, (T, input_size) without a batch,
    or a PackedSequence. Raises ValueError or TypeError for settings that make no sense, and when
    called RuntimeError for shapes that do not fit, ValueError for another dtype or number of
    dimensions.

    >>> import minitorch_cnn as mt
    >>> isinstance(mt.nn.GRU(3, 5), mt.nn.RNNBase)
    True
    """

    _parameters: dict[str, Any]

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_settings(mode, input_size, hidden_size, num_layers, bias, dropout, proj_size)
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={num_layers}",
                stacklevel=3,
            )
        self.mode, self.input_size, self.hidden_size = mode, input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional, self.proj_size = float(dropout), bidirectional, proj_size
        rows, state = GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            width = state * self._directions if layer else input_size
            for suffix in self._suffixes(layer):
                shapes: dict[str, tuple[int, ...]] = {}
                shapes |= {"weight_ih": (rows, width), "weight_hh": (rows, state)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    values = empty(*shape, device=device, dtype=dtype)
                    self.register_parameter(name + suffix, Parameter(values))
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self._directions]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [
            [value for name, value in self._parameters.items() if name.endswith(suffix)]
            for layer in range(self.num_layers)
            for suffix in self._suffixes(layer)
        ]

    def flatten_parameters(self) -> None:
        """Does nothing: it arranges memory for a library of torch's."""

    def reset_parameters(self) -> None:
        """Draws new initial values."""
        draw_uniform(self, self.hidden_size)

    def forward(self, input: Any, hx: Any = None) -> Any:
        packed = isinstance(input, PackedSequence)
        x = input.data if packed else input
        batched = packed or x.ndim == 3
        if not packed and x.ndim not in (2, 3):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {x.ndim}D instead"
            )
        weight = self._parameters["weight_ih_l0"]
        if x.dtype is not weight.dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {x.shape[-1]}"
            )
        if packed:
            sizes = input.batch_sizes.tolist()
        else:
            if not batched:
                x = x.unsqueeze(1)
            elif self.batch_first:
                x = x.transpose(0, 1)
            sizes = [x.shape[1]] * x.shape[0]
            x = x.reshape(
                math.prod(x.shape[:2]), x.shape[2]
            )  # step by step, as a packed sequence lies
        states = self._first_states(hx, sizes[0], batched, x)
        order = input.sorted_indices if packed else None
        if order is not None and hx is not None:
            states = [each.index_select(1, order) for each in states]
        y, states = self._run(x, sizes, states)

        if packed:
            y = input._replace(data=y)
            if order is not None:
                states = [each.index_select(1, input.unsorted_indices) for each in states]
        else:
            y = y.reshape(len(sizes), sizes[0], y.shape[-1])
            y = y.transpose(0, 1) if self.batch_first and batched else y
            if not batched:
                y, states = y.squeeze(1), [each.squeeze(1) for each in states]
        return y, tuple(states) if self.mode == "LSTM" else states[0]

    def _first_states(self, hx: Any, n: int, batched: bool, x: Tensor) -> list[Tensor]:
        """(layers * directions, N, hidden_size) of h, and of c in an LSTM."""
        count = self.num_layers * self._directions
        widths = [self.proj_size or self.hidden_size]
        if self.mode == "LSTM":
            widths.append(self.hidden_size)
        if hx is None:
            return [zeros(count, n, width, dtype=x.dtype, device=x.device) for width in widths]
        given = list(hx) if self.mode == "LSTM" else [hx]
        for index, (state, width) in enumerate(zip(given, widths, strict=True)):
            if state.ndim != (3 if batched else 2):
                kind, dims = ("batched 3-D", 3) if batched else ("unbatched 2-D", 2)
                raise RuntimeError(
                    f"For {kind} input, hx should also be {dims}-D but got {state.ndim}-D tensor"
                )
            wanted = (count, n, width) if batched else (count, width)
            if state.shape != wanted:
                which = f"hidden[{index}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {which} size {wanted}, got {shape_text(state.shape)}")
        return given if batched else [state.unsqueeze(1) for state in given]

    def _run(self, x: Tensor, sizes: list[int], states: list[Tensor]) -> tuple[Tensor, list]:
        """All layers: the last one's outputs (total_length, ...), and the last states."""
        last: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                first = [each[layer * self._directions + direction] for each in states]
                output, final = self._run_direction(x, sizes, first, suffix, bool(direction))
                outputs.append(output)
                last.append(final)
            x = outputs[0] if len(outputs) == 1 else cat(outputs, 1)
            if self.dropout and layer < self.num_layers - 1:
                x = dropout(x, self.dropout, self.training)
        return x, [stack(list(each)) for each in zip(*last, strict=True)]

    def _run_direction(
        self, x: Tensor, sizes: list[int], first: list[Tensor], suffix: str, reverse: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """One layer in one direction: outputs (total_length, ...), and the states in the end."""

        def parameter(name: str) -> Any:
            return self._parameters.get(name + suffix)

        weight_ih, weight_hh = parameter("weight_ih"), parameter("weight_hh")
        bias_hh, projection = parameter("bias_hh"), parameter("weight_hr")
        products = linear(x, weight_ih, parameter("bias_ih"))
        steps = products.split(sizes)
        outputs: list[Tensor] = []
        ended: list[list[Tensor]] = []  # of the sequences that are over, the last first
        state = [each[: sizes[-1]] for each in first] if reverse else first
        for step, size in zip(
            reversed(steps) if reverse else steps, reversed(sizes) if reverse else sizes,
            strict=True,
        ):  # fmt: skip
            rows = state[0].shape[0]
            if size < rows:
                ended.append([each[size:] for each in state])
                state = [each[:size] for each in state]
            elif size > rows:  # backward, more sequences begin
                state = [
                    cat([each, start[rows:size]]) for each, start in zip(state, first, strict=True)
                ]
            h_products = linear(state[0], weight_hh, bias_hh)
            if self.mode == "LSTM":
                h, c = lstm_step(step + h_products, state[1])
                state = [h if projection is None else linear(h, projection), c]
            elif self.mode == "GRU":
                state = [gru_step(step, h_products, state[0])]
            else:
                nonlinearity = tanh if self.mode == "RNN_TANH" else relu
                state = [nonlinearity(step + h_products)]
            outputs.append(state[0])
        if ended:
            parts = [state, *reversed(ended)]
            state = [cat(list(each)) for each in zip(*parts, strict=True)]
        return cat(outputs[::-1] if reverse else outputs), state

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False),
            ("dropout", 0), ("bidirectional", False),
        ):  # fmt: skip
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


def _check_settings(
    mode: str, input_size: Any, hidden_size: Any, num_layers: Any, bias: Any, dropout: Any,
    proj_size: int,
) -> None:  # fmt: skip
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if not isinstance(bias, bool):
        raise TypeError(f"bias should be of type bool, got: {type(bias).__name__}")
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            f"element being zeroed, got {dropout!r}"
        )
    for name, value in (("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero, got {value}")
    if proj_size and mode != "LSTM":
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if proj_size < 0:
        raise ValueError(f"proj_size should be zero or a positive integer, got {proj_size}")
    if proj_size >= hidden_size:
        raise ValueError(f"proj_size has to be smaller than hidden_size, got {proj_size}")
    if mode not in GATES:
        raise ValueError(f"Unrecognized RNN mode: {mode}")


class RNN(RNNBase):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh) along a sequence: (T, N, input_size).

    Returns (outputs (T, N, directions * hidden_size), last h (layers * directions, N,
    hidden_size)). nonlinearity: "tanh" or "relu". The other arguments are those of `LSTM`. Shapes
    and errors as `RNNBase`; ValueError for another nonlinearity.

    >>> import minitorch_cnn as mt
    >>> y, h = mt.nn.RNN(3, 5)(mt.zeros(7, 2, 3))
    >>> y.shape, h.shape
    (minitorch_cnn.Size([7, 2, 5]), minitorch_cnn.Size([1, 2, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__["nonlinearity"] = "tanh"
        if len(args) > 3:
            self.__dict__["nonlinearity"] = args[3]
            args = args[:3] + args[4:]
        kind = self.__dict__["nonlinearity"] = kwargs.pop("nonlinearity", self.nonlinearity)
        if kind not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity {kind!r}. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{kind.upper()}", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory: a cell c beside the state h, and gates i, f, o for what it keeps.

        i, f, o = sigmoid(W x + U h + b), g = tanh(...), c = f c + i g, h = o tanh(c)

    (T, N, input_size) -> (outputs (T, N, directions * hidden_size), (h, c)), both (layers *
    directions, N, hidden_size); hx, an optional second argument, is such a pair to start from.
    num_layers: each takes the outputs of the last. batch_first: (N, T, ...). dropout: between
    layers. bidirectional: a second network goes backward, its outputs are appended. proj_size: h is
    a product (proj_size,) of it. Errors as `RNNBase`. Hochreiter and Schmidhuber, "Long short-term
    memory", 1997.

    >>> import minitorch_cnn as mt
    >>> lstm = mt.nn.LSTM(3, 5, num_layers=2, batch_first=True)
    >>> y, (h, c) = lstm(mt.zeros(2, 7, 3))
    >>> y.shape, c.shape
    (minitorch_cnn.Size([2, 7, 5]), minitorch_cnn.Size([2, 2, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """The gated recurrent unit: h = (1 - z) n + z h with n = tanh(W x + r (U h)), gates r and z.

    (T, N, input_size) -> (outputs (T, N, directions * hidden_size), last h). Arguments as `LSTM`
    without proj_size, errors as `RNNBase`. Cho et al., "Learning phrase representations using RNN
    encoder-decoder", 2014.

    >>> import minitorch_cnn as mt
    >>> y, h = mt.nn.GRU(3, 5, bidirectional=True)(mt.zeros(7, 2, 3))
    >>> y.shape, h.shape
    (minitorch_cnn.Size([7, 2, 10]), minitorch_cnn.Size([2, 2, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("proj_size"):
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells, a single step each, have in common: weights of num_chunks * hidden_size rows.

    Input (N, input_size) or (input_size,), state (N, hidden_size) or (hidden_size,). Raises
    RuntimeError when called with other shapes.

    >>> import minitorch_cnn as mt
    >>> isinstance(mt.nn.GRUCell(3, 5), mt.nn.RNNCellBase)
    True
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows, options = num_chunks * hidden_size, {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(empty(rows, input_size, **options))
        self.weight_hh = Parameter(empty(rows, hidden_size, **options))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, **options)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new initial values."""
        draw_uniform(self, self.hidden_size)

    def _products(self, x: Tensor, states: list) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Both products and the states, with a batch of one if there is none."""
        if x.ndim not in (1, 2):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 1D or 2D, got {x.ndim}D instead"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {x.shape[-1]} expected {self.input_size}"
            )
        wanted = (*x.shape[:-1], self.hidden_size)
        states = [zeros(*wanted, dtype=x.dtype, device=x.device) if each is None else each
                  for each in states]  # fmt: skip
        for each in states:
            if each.shape != wanted:
                raise RuntimeError(
                    f"hx has shape {shape_text(each.shape)}, but the input {shape_text(x.shape)} "
                    f"needs {shape_text(wanted)}"
                )
        x, *states = [
            each.reshape(math.prod(each.shape[:-1]), each.shape[-1]) for each in (x, *states)
        ]
        h_products = linear(states[0], self.weight_hh, self.bias_hh)
        return linear(x, self.weight_ih, self.bias_ih), h_products, states

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias else f", bias={self.bias}"
        kind = getattr(self, "nonlinearity", "tanh")
        return text if kind == "tanh" else f"{text}, nonlinearity={kind}"


class RNNCell(RNNCellBase):
    """One step of an `RNN`: (N, input_size) and h (N, hidden_size) -> h. Errors as `RNNCellBase`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.RNNCell(3, 5)(mt.zeros(2, 3)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        x, h, _ = self._products(input, [hx])
        h = tanh(x + h) if self.nonlinearity == "tanh" else relu(x + h)
        return h.reshape(*input.shape[:-1], self.hidden_size)


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`: (N, input_size) and (h, c) -> (h, c). Errors as `RNNCellBase`.

    >>> import minitorch_cnn as mt
    >>> h, c = mt.nn.LSTMCell(3, 5)(mt.zeros(2, 3))
    >>> h.shape, c.shape
    (minitorch_cnn.Size([2, 5]), minitorch_cnn.Size([2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        x, h, states = self._products(input, [None, None] if hx is None else list(hx))
        shape = (*input.shape[:-1], self.hidden_size)
        h, c = lstm_step(x + h, states[1])
        return h.reshape(*shape), c.reshape(*shape)


class GRUCell(RNNCellBase):
    """One step of a `GRU`: (N, input_size) and h (N, hidden_size) -> h. Errors as `RNNCellBase`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.GRUCell(3, 5)(mt.zeros(2, 3)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        x, h, (state,) = self._products(input, [hx])
        return gru_step(x, h, state).reshape(*input.shape[:-1], self.hidden_size)
