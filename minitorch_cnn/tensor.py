"""Tensor: an array, its gradient, and the node that made it.

    array           a NumPy or CuPy array: the values, their type, shape, strides and device
    arriving        the same while kernels may still be writing it, for other kernels
    grad            the gradient of the last backward, a Tensor of the same shape, or None
    _node, _output  which recorded operation made it, and which of its outputs it is
    _memory         what it shares with all tensors in the same memory: how often that was written
    _view           for a view: the tensor whose memory it shares, and how to take the view

Arithmetic and all other differentiable methods are defined in ops/ and bound to this class by
ops/methods.py. Here is what a tensor *is*; there is what can be done with it.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import backend, copying, dtypes
from .autograd import deferred
from .autograd.handle import RemovableHandle
from .autograd.looking import seen, warn_of_no_grad
from .autograd.modes import UNRECORDED_VIEW, state
from .backend import ahead
from .missing import missing
from .size import Size, shape_text as shape_text, steps_by_rows
from .views import View, view_of_array, view_of_tensor


class Memory:
    """What the tensors in one piece of memory have in common.

    version: how often it was written to in place.
    outside: not 0 if an array that belongs to no tensor shares it, and may be written to without
    anybody seeing; 2 if that is NumPy's (numpy(), from_numpy()), and the memory cannot grow.
    behind: after ``x.data``, which has a version of its own, the Memory that it really is; of a
    tensor whose data was set, those of all arrays that it had.
    has_data: whether there was such an ``x.data``.
    """

    version = 0
    outside = 0
    behind: tuple[Memory, ...] = ()
    has_data = False

    def is_unchanged_since(self, version: int) -> bool:
        """Whether nothing was written since then, for sure: in no way that no version counts."""
        unwatched = self.has_data or self.outside or self.behind
        return self.version == version and not unwatched


if TYPE_CHECKING:
    from .methods import Methods  # those that ops/methods.py sets, for checkers and editors
else:
    Methods = object


class Tensor(Methods):
    """A multi-dimensional array that remembers how it was computed.

    ``Tensor(data)`` makes a float32 tensor of a list, ``Tensor(2, 3)`` an uninitialised one of
    that shape, ``Tensor(x)`` a view of a tensor, as torch's class. `mt.tensor` is the usual way.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([[2., 4.],
            [6., 8.]])
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_aliases",
        "_deferred",
        "_grad",
        "_history",
        "_hooks",
        "_inference",
        "_memory",
        "_node",
        "_output",
        "_post_hooks",
        "_requires_grad",
        "_retains_grad",
        "_view",
        "array",
        "arriving",
    )
    __array_priority__ = 1000  # numpy_array * tensor asks the tensor first

    array: Any
    arriving: Any  # the same, which kernels may still be writing: for other kernels alone
    _grad: Tensor | None
    _requires_grad: bool
    _node: Any  # autograd.function.Node, or None for a leaf
    _output: int
    _memory: Memory
    _deferred: deferred.Deferred | None  # how to compute the array when it is first looked at
    _view: View | None
    _hooks: dict[int, Any] | None
    _post_hooks: dict[int, Any] | None  # called when .grad was added to
    _retains_grad: bool
    _inference: bool
    _history: int  # how often the tensor got a new node; its views compare it with what they saw
    _aliases: weakref.WeakKeyDictionary | None  # tensors in this memory: how each views it

    def __new__(cls, *args: Any, **kwargs: Any) -> Tensor:
        shared = cls is Tensor and len(args) == 1 and isinstance(args[0], Tensor)
        return args[0].view_as(args[0]) if shared else wrap(None, cls)

    def __init__(self, *data: Any, device: Any = None) -> None:
        backend.check_old_device(device, "cpu", any(isinstance(each, Tensor) for each in data))
        if len(data) == 1 and isinstance(data[0], Tensor) and type(self) is Tensor:
            return  # it is a view already
        kind = dtypes.get_default_dtype().numpy
        if len(data) == 1 and not isinstance(data[0], int):
            values = data[0].array if isinstance(data[0], Tensor) else data[0]
            if not backend.is_array(values):
                values = np.array(values, kind)
        else:
            values = np.empty(data if data else 0, kind)
        self._set_array(backend.to_device(values.astype(kind), None))

    # ------------------------------------------------- values that are computed when needed

    if not TYPE_CHECKING:  # to a checker, every name would be there

        def __getattr__(self, name: str) -> Any:
            """Python comes here for an array that is not there: put off or on its way."""
            if name == "array":
                array = self.arriving
                ahead.wait()
                self.array = array
                return array
            if name != "arriving":
                raise missing("Tensor", name)
            waiting = self._deferred
            if waiting is not None:
                self.arriving = waiting.arriving()
                self._deferred = None
            return object.__getattribute__(self, name)

    def _set_array(self, array: Any) -> None:
        """Gives the tensor another array, which is complete."""
        self.array, self.arriving, self._deferred = array, array, None

    def _before_write(self) -> None:
        """To be called before the memory is written to: computes the results that read it."""
        if self._deferred is None:  # else there is nothing to write over yet
            ahead.wait()
            if deferred.waiting:
                deferred.before_write(self.array)

    def _show_outside(self, outside: int = 1) -> None:
        """To be called before an array that is no tensor's comes to share the memory."""
        self._before_write()
        self._memory.outside = max(self._memory.outside, outside)
        for memory in self._memory.behind:
            memory.outside = self._memory.outside

    # -------------------------------------------------------------------- what it looks like

    # A result that was put off knows its shape, dtype and device without being computed.

    @property
    def shape(self) -> Size:
        return tuple.__new__(Size, (self._deferred or self.arriving).shape)  # ints, unchecked

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension."""
        return self.shape if dim is None else self.shape[self._dim(dim)]

    @property
    def ndim(self) -> int:
        return len((self._deferred or self.arriving).shape)

    def dim(self) -> int:
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return math.prod((self._deferred or self.arriving).shape)

    nelement = numel

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.as_dtype((self._deferred or self.arriving).dtype)

    @property
    def device(self) -> backend.device:
        waiting = self._deferred
        return backend.device_of(self.arriving) if waiting is None else waiting.device

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def get_device(self) -> int:
        """The GPU's number, -1 for the CPU."""
        return -1 if self.device.index is None else self.device.index

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.itemsize

    @property
    def nbytes(self) -> int:
        return self.numel() * self.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Steps in memory, in elements (not bytes), for each dimension or one of them."""
        array = self.array
        strides = tuple(step // array.itemsize for step in array.strides)
        if not array.size and 0 in strides:  # what NumPy says where a length is 0
            strides = steps_by_rows(array.shape)
        return strides if dim is None else strides[self._dim(dim)]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """True if the elements lie in memory row by row (or, channels_last, pixel by pixel)."""
        if memory_format is None or memory_format.name == "contiguous_format":
            return bool(self.array.flags.c_contiguous)
        if memory_format.name == "preserve_format":
            raise RuntimeError("is_contiguous: preserve_format is not a layout")
        order = (0, *range(2, ndim := memory_format.ndim), 1)
        return self.ndim == ndim and bool(self.array.transpose(order).flags.c_contiguous)

    def data_ptr(self) -> int:
        """The address of the first element; 0 without elements."""
        self._show_outside()
        return self.numel() and (self.array.data.ptr if self.is_cuda else self.array.ctypes.data)

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return False

    def is_inference(self) -> bool:
        """True if it was made in `inference_mode`."""
        return self._inference

    def _dim(self, dim: int, extra: int = 0) -> int:
        """`dim` counted from the front. Raises IndexError as torch does if it is out of range."""
        count = max(self.ndim, 1) + extra
        if not -count <= dim < count:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], "
                f"but got {dim})"
            )
        return dim % count

    # ---------------------------------------------------------------- out of the tensor world

    def item(self) -> Any:
        """The single element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar; "
                f"its shape is {shape_text(self.array.shape)}"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """A NumPy array that shares the tensor's memory.

        Raises TypeError for a tensor on a GPU and RuntimeError for one that requires a gradient,
        unless `force` is true, which detaches and copies first.
        """
        if not force:
            if self.is_cuda:
                raise TypeError(
                    f"can't convert a tensor on {self.device} to numpy; use tensor.cpu() first"
                )
            if state.grad_enabled and self.requires_grad:
                raise RuntimeError(
                    "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                    "instead."
                )
        self._show_outside(2)
        return backend.to_numpy(self.array).view()  # whose shape may be set, or resized

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a copy is needed to convert {array.dtype} to {dtype}")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        if self.requires_grad:
            raise BufferError("Can't export a tensor that requires grad: use tensor.detach()")
        if any(step < 0 for step in self.array.strides):
            raise BufferError(
                f"Can't export a tensor with negative strides {self.stride()}: use tensor.clone()"
            )
        self._show_outside()
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple:
        return self.array.__dlpack_device__()

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            count = "more than one value" if self.array.size else "no values"
            raise RuntimeError(
                f"Boolean value of Tensor with {count} is ambiguous: use any() or all()"
            )
        return bool(self.array.item())

    def _number(self) -> Any:
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.array.item()

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __index__(self) -> int:
        if self.dtype.is_floating_point or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    __hash__ = object.__hash__

    def __repr__(self, tensor_contents: Any = None) -> str:
        from .formatting import format_tensor  # only needed when somebody looks

        return format_tensor(self)

    # ----------------------------------------------------------------------------- gradients

    @property
    def requires_grad(self) -> bool:
        """True if operations on this tensor are recorded."""
        if self._view is not None:
            self._refresh_view()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool) or not self.is_leaf:
            raise RuntimeError(f"requires_grad of a leaf is a bool: {value!r:.60} cannot be set")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switches recording for a leaf on or off, in place.

        Raises RuntimeError for integer tensors, and for switching it off where an operation
        made the tensor (use `detach`).
        """
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad must be True or False, got {requires_grad!r:.60}")
        if requires_grad and not self.dtype.is_floating_point:
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients, got {self.dtype}"
            )
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables; use detach()"
            )
        if requires_grad and self._inference and not state.inference:
            raise RuntimeError("inference tensors cannot require gradients: clone() it first")
        self._requires_grad = bool(requires_grad)
        return self

    @property
    def grad(self) -> Tensor | None:
        """What backward accumulated: a tensor like this one, or None."""
        if self._grad is None and self._node is not None and not self._retains_grad:
            warn_of_no_grad()
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected to be a Tensor or None, got {type(value)}")
            if value.shape != self.shape or value.dtype is not self.dtype:
                raise RuntimeError(
                    f"assigned grad has shape {shape_text(value.shape)} and {value.dtype}; the "
                    f"tensor has shape {shape_text(self.shape)} and {self.dtype}"
                )
            if value is self:
                raise RuntimeError("a tensor cannot be its own grad")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_fn(self) -> Any:
        """The node that made this tensor, None for a leaf."""
        if self._view is not None:
            self._refresh_view()
        return self._node if self._node is None else seen(self._node)

    @property
    def is_leaf(self) -> bool:
        if self._view is not None:
            self._refresh_view()
        return self._node is None

    @property
    def output_nr(self) -> int:
        return self._output

    @property
    def _version(self) -> int:
        return self._memory.version

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    def edge(self) -> tuple[Any, int]:
        """Where a gradient of this tensor goes: its node and output number, or the leaf itself."""
        if self._view is not None:
            self._refresh_view()
        node = self._node
        return (self, 0) if node is None else (node, self._output)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Adds to `.grad` of every leaf the gradient of this tensor with respect to it.

        gradient: what to start from, of this tensor's shape; 1 if this tensor is a scalar.
        retain_graph: keep what was saved, to go backward again. Default: as create_graph.
        create_graph: record backward itself, to differentiate the gradient.
        inputs: accumulate into these tensors only.
        """
        from .autograd.engine import backward

        backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same values in the same memory, without history."""
        tensor = running(self.arriving)
        tensor._memory = self._memory
        tensor._inference = self._inference
        self._note_alias(tensor, ())
        return tensor

    def detach_(self) -> Tensor:
        """Forgets this tensor's history, in place."""
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead")
        self._node, self._requires_grad = None, False
        return self

    @property
    def data(self) -> Tensor:
        """Like `detach`, but writes through it do not count in the version of this tensor."""
        tensor = wrap(self.array)
        tensor._memory.behind = self._memory.behind or (self._memory,)
        for memory in tensor._memory.behind:
            memory.has_data = True
        return tensor

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"data must be a Tensor, got {type(new).__name__}")
        if self._requires_grad and not new.is_floating_point():
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex "
                f"dtype, got {new.dtype}"
            )
        self._set_array(new.array)
        # Who has an alias of what was here before has this Memory too: it stands for both arrays.
        memories = {*deferred.in_use(self._memory.behind), *(new._memory.behind or (new._memory,))}
        self._memory.behind = tuple(memories - {self._memory})

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Calls ``hook(gradient)`` when this tensor's gradient is known; it may return another.

        >>> import minitorch_cnn as mt
        >>> x = mt.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            node = self._node
            hooks = node._hooks.setdefault(self._output, {})
        else:
            hooks = self._hooks = {} if self._hooks is None else self._hooks
        return RemovableHandle(hooks, hook)

    def retain_grad(self) -> None:
        """Keeps the gradient of a tensor that an operation made in its `.grad`."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.is_leaf:
            return
        self._retains_grad = True
        self._note_retained()

    def _note_retained(self) -> None:
        """Tells the node whose `.grad` to keep, without keeping its own output alive."""
        self._node._retained[self._output] = weakref.ref(self)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Calls ``hook(tensor)`` after a backward has added to this leaf's `.grad`.

        Raises RuntimeError for a tensor that requires no gradient, or is no leaf.
        """
        if not (self.requires_grad and self.is_leaf):
            why = "on non-leaf tensors" if self.requires_grad else "without requires_grad=True"
            raise RuntimeError(f"post accumulate grad hooks cannot be registered {why}")
        if self._post_hooks is None:
            self._post_hooks = {}
        return RemovableHandle(self._post_hooks, hook)

    @property
    def retains_grad(self) -> bool:
        return self._retains_grad

    # ------------------------------------------------------------- for autograd and for views

    def _set_history(self, node: Any, output: int) -> None:
        self._node, self._output = node, output
        self._requires_grad = True
        self._history += 1
        if self._retains_grad:  # written in place: what is kept is the gradient of what it is now
            self._note_retained()

    def _bump_version(self) -> None:
        self._memory.version += 1

    def _mark_view_of(self, parent: Tensor, step: tuple) -> None:
        """Says that this tensor is `step` (a ViewFunction and its arguments) of parent."""
        self._memory = parent._memory
        self._inference = parent._inference
        parent._note_alias(self, (step,))
        view = parent._view
        if view is None:
            self._view = View(parent, (step,), parent._history)
        else:
            self._view = View(view.base, (*view.steps, step), view.base._history, view.alone)
        if not state.grad_enabled and parent._requires_grad:
            self._view.alone = UNRECORDED_VIEW[state.inference]

    def _note_alias(self, alias: Tensor, steps: tuple) -> None:
        """Remembers a tensor in this one's memory, if that could have to be laid out anew."""
        base = self if self._view is None else self._view.base
        if base._is_channels_last():
            if base._aliases is None:
                base._aliases = weakref.WeakKeyDictionary()
            base._aliases[alias] = steps if self._view is None else (*self._view.steps, *steps)

    def _is_channels_last(self) -> bool:
        array = self.arriving
        if array.ndim < 3 or array.flags.c_contiguous:
            return False
        return bool(array.transpose(0, *range(2, array.ndim), 1).flags.c_contiguous)

    def lay_out_by_rows(self) -> None:
        """Moves the values of a channels-last tensor (or a view's base) to row-major memory.

        Images are channels-last inside, and a program for torch may ask for a `view` that only
        row-major memory has. Views and detached tensors of the same memory move along, so that
        they go on sharing it; only arrays taken out by `numpy()` stay behind.
        """
        base = self if self._view is None else self._view.base
        if not base._is_channels_last():
            return
        base._set_array(backend.array_module(base.array).ascontiguousarray(base.array))
        for alias, steps in list((base._aliases or {}).items()):
            alias._set_array(view_of_array(base.array, steps))
        base._aliases = None

    def _refresh_view(self) -> None:
        """Takes the view again if its base has got a new history by a write in place."""
        view = self._view
        if view is None or view.history == view.base._history:
            return
        view.check_in_touch()
        view.history = view.base._history
        recording, state.grad_enabled = state.grad_enabled, True  # the view was recorded once
        try:
            fresh = view_of_tensor(view.base, view.steps)
        finally:
            state.grad_enabled = recording
        self._node, self._output = fresh._node, fresh._output
        self._requires_grad = fresh._requires_grad
        if self._retains_grad and self._node is not None:
            self._note_retained()

    # ------------------------------------------------------------------- copying and pickling

    def __deepcopy__(self, memo: dict) -> Tensor:
        return copying.deep_copy(self, memo)

    def __reduce_ex__(self, protocol: Any) -> tuple:
        if protocol >= 5:
            self._show_outside()  # pickle may hand the memory itself out
        return copying.reduce(self)


def wrap(array: Any, kind: type[Tensor] = Tensor) -> Tensor:
    """A tensor around a bare array, without a copy. NumPy's scalars become 0-d arrays.

    >>> wrap(np.float32(2.5)).shape
    minitorch_cnn.Size([])
    """
    tensor = object.__new__(kind)
    tensor._grad = tensor._node = tensor._deferred = None
    tensor._view = tensor._hooks = tensor._post_hooks = tensor._aliases = None
    tensor._requires_grad = tensor._retains_grad = tensor._inference = False
    tensor._output = tensor._history = 0
    tensor._memory = Memory()
    if array is not None:
        array = np.asarray(array) if isinstance(array, np.generic) else array
        tensor.array = tensor.arriving = array
    return tensor


def running(array: Any) -> Tensor:
    """`wrap` for an array that kernels may still be writing."""
    if not ahead.unfinished:
        return wrap(array)
    tensor = wrap(None)
    tensor.arriving = array
    return tensor


def is_private(*args: Any) -> bool:
    """Whether nobody can write unseen to the memory of one of these tensors."""
    for arg in args:
        if isinstance(arg, Tensor):
            memory = arg._memory
            if memory.outside or any([each.outside for each in memory.behind]):
                return False
    return True


def may_run_ahead(*args: Any) -> bool:
    """Whether kernels may read them while Python goes on; nobody writes, nobody looks on."""
    return state.observer is None and is_private(*args)


def later(values: deferred.Deferred, *sources: Tensor | None) -> Tensor:
    """A tensor whose array is computed when it is first looked at; see autograd/deferred.py.

    sources: the tensors whose arrays are read then. If one of them may be written to unseen until
    then, the array is computed now.
    """
    if not is_private(*sources):
        return wrap(values.values())
    tensor = wrap(None)
    tensor._deferred = values
    return tensor
