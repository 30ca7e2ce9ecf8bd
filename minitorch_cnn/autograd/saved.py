"""What a node saved, for a program that looks: `y.grad_fn._saved_self`, `_saved_result`, ...

The names are torch's, which draw graphs (torchviz) and teach what costs memory. Tensors that
backward will need have the names of this table; plain values that a forward kept have their own.
`_raw_saved_self` is the place of a tensor, where hooks may be set.

>>> import minitorch_cnn as mt
>>> x = mt.tensor([2.0], requires_grad=True)
>>> y = x.exp()
>>> y.grad_fn._saved_result
tensor([7.3891], grad_fn=<ExpBackward0>)
>>> [name for name in dir(mt.stack([x, x], dim=0).grad_fn) if name.startswith("_saved_")]
['_saved_dim']
"""

from __future__ import annotations

from typing import Any

from .graph import Packed

# By the name of the Function: what torch calls the tensors that it saves, in that order. The
# others save one: "result" if it is their own output, "self" if not. None: torch has no such one.
TENSORS: dict[str, tuple[str | None, ...]] = {
    "AdvancedIndex": (),
    "BCEWithLogits": ("self", "target", "weight"),
    "BatchNorm": ("input", "weight"),
    "BinaryCrossEntropy": ("self", "target"),
    "Clamp": ("self",),
    "ClampByTensors": ("self", "min", "max"),
    "Conv2dFunction": ("input", "weight"),
    "CrossEntropy": (None, "target"),
    "CumProd": ("self", "result"),
    "Det": ("A", "result"),
    "Extreme": ("self", "result"),
    "Gather": ("index",),
    "Hypot": ("self", "other", "result"),
    "IndexPut": (),
    "IndexSelect": ("index",),
    "Lerp": ("self", "end", "weight"),
    "Linear": ("mat1",),
    "LogCumSumExp": ("self", "result"),
    "MatMul": ("self", "mat2"),
    "MaxPool": ("result1",),
    "Middle": ("self", "result"),
    "PReLU": ("self", "weight"),
    "Pow": ("self", "exponent"),
    "Prod": ("self", "result"),
    "PutByIndex": (),
    "QR": ("Q", "R"),
    "SVD": ("U", "S", "Vh"),
    "Scatter": ("index",),
    "ScatterAdd": ("index",),
    "Solve": ("A", "result"),
    "TableRows": ("indices",),
    "Where": ("condition",),
}
# What a forward keeps under a name of its own.
PLAIN = {"shape": "self_sym_sizes", "sizes": "self_sym_sizes"}

FREED = (
    "Trying to access the saved tensors of {} after they have already been freed: backward does "
    "so. Specify retain_graph=True when calling it to look at them afterwards."
)


def _tensors(node: Any) -> dict[str, int]:
    """The names of the tensors that a node saved, and their places among them."""
    names = TENSORS.get(node._function.__name__)
    if names is None:
        saved: list[Any] = node._saved or []
        own = len(saved) == 1 and saved[0] is not None and saved[0].is_own_output
        names = ("result",) if own else ("self", "other")[: max(len(saved), 1)]
    return {name: place for place, name in enumerate(names) if name is not None}


def _values(node: Any) -> dict[str, Any]:
    """The plain values that a forward kept: numbers, text, shapes."""
    found = {}
    for name, value in vars(node).items():
        if name[0] != "_" and name not in ("needs_input_grad", "materialize_grads", "numbers"):
            plain = value if isinstance(value, tuple) else (value,)
            if all(isinstance(each, bool | int | float | str | None) for each in plain):
                found[PLAIN.get(name, name)] = value
    # Of two operands, one may be a number.
    names = TENSORS.get(node._function.__name__, ("self", "other"))
    for name, number in zip(names, getattr(node, "numbers", ()), strict=False):
        if number is not None and name is not None:
            found[name] = number
    return found


def names(node: Any) -> list[str]:
    """Those that `attribute` knows of a node, as `dir` lists them."""
    if not _is_ours(node):
        return ["_raw_saved_tensors"]
    values = _values(node)
    tensors = {} if not node._saved else _tensors(node)
    tensors = {name: place for name, place in tensors.items() if name not in values}
    return [f"_saved_{name}" for name in {**tensors, **values}] + [
        f"_raw_saved_{name}" for name in tensors
    ]


def attribute(node: Any, name: str) -> Any:
    """What a node has of that name, `_saved_...` or `_raw_saved_...`.

    Raises AttributeError for a name that this node does not have, RuntimeError for a tensor that
    was freed or changed.
    """
    raw, _, short = name.rpartition("saved_")
    if name == "_raw_saved_tensors":
        if node._saved is None:
            raise RuntimeError(FREED.format(node._title()))
        return tuple(SavedTensor(node, place) for place in range(len(node._saved)))
    if _is_ours(node):
        if raw == "_":
            values = _values(node)
            if short in values:
                return values[short]
        place = _tensors(node).get(short)
        if place is not None:
            if node._saved is None:
                raise RuntimeError(FREED.format(node._title()))
            if place < len(node._saved):
                if raw == "_raw_":
                    return SavedTensor(node, place)
                saved = node._saved[place]
                return None if saved is None else saved.unpack(node)
    raise AttributeError(f"{type(node).__name__!r} object has no attribute {name!r}")


def _is_ours(node: Any) -> bool:
    """Whether its operation is one of this library's, and none that a program wrote."""
    return node._function.__module__.partition(".")[0] == __name__.partition(".")[0]


class SavedTensor:
    """The place of a tensor that a node saved, of any shape. Raises RuntimeError if called.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([3.0], requires_grad=True)
    >>> y = x * x
    >>> y.grad_fn._raw_saved_self.register_hooks(lambda t: t.half(), lambda t: t.float())
    >>> y.backward()
    >>> x.grad
    tensor([6.])
    """

    def __init__(self, node: Any = None, place: int = 0) -> None:
        if node is None:
            raise RuntimeError("Trying to create a SavedTensor object from Python is forbidden")
        self._node, self._place = node, place

    def register_hooks(self, pack_hook: Any = None, unpack_hook: Any = None) -> None:
        """Keeps pack_hook(tensor) in its place; unpack_hook makes a tensor of that for backward.

        Raises RuntimeError if it was freed, if there is no tensor, for a second pair of hooks and a
        pack hook that changes its argument; TypeError for what cannot be called.
        """
        if not callable(pack_hook) or not callable(unpack_hook):
            raise TypeError(
                "register_hooks(): incompatible function arguments: it takes two functions, "
                f"pack_hook and unpack_hook, got {pack_hook!r:.60} and {unpack_hook!r:.60}"
            )
        saved = self._node._saved
        if saved is None:
            raise RuntimeError("register_hooks: the saved tensor was looked for after it has been "
                               "freed by backward")  # fmt: skip
        if saved[self._place] is None:
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is "
                               "forbidden")  # fmt: skip
        if isinstance(saved[self._place], Packed):
            raise RuntimeError("register_hooks: its hooks have already been set")
        saved[self._place] = Packed.of(saved[self._place], pack_hook, unpack_hook)
