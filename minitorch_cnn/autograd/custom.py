"""What users' own code may do wrong: hooks, Functions and arguments of backward.

Of this, a training step of layers from this library calls next to nothing.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import warnings
from typing import Any

import numpy as np

from ..backend import array_module, axes_as_in_memory
from ..tensor import Size, Tensor, shape_text, wrap
from .looking import AccumulateGrad, GradientEdge, in_turn as in_turn
from .modes import state


def call_hook(hook: Any, gradient: Tensor) -> Tensor:
    """The gradient as a tensor's hook wants it. Raises as torch does if that is none for it."""
    replaced = hook(gradient)
    if replaced is None:
        return gradient
    name = getattr(hook, "__name__", repr(hook))
    if not isinstance(replaced, Tensor):
        raise TypeError(f"hook {name!r} returned {replaced!r:.60}: expected a Tensor or None")
    for what in ("shape", "dtype", "device"):
        was, now = getattr(gradient, what), getattr(replaced, what)
        if was != now:
            raise RuntimeError(
                f"hook {name!r} has changed the {what} of the gradient from {was} to {now}"
            )
    return replaced


def apply_hooks(node: Any, gys: list[Tensor | None]) -> None:
    """Replaces the gradients of a node's outputs by what the hooks of those tensors return."""
    for index, hooks in node._hooks.items():
        for hook in list(hooks.values()):
            gradient = gys[index]
            if gradient is not None:
                gys[index] = call_hook(hook, gradient)


def hooks_alone(node: Any, gys: list[Tensor | None]) -> None:
    """Calls the hooks of a node that `backward(inputs=...)` ends at: nothing is computed there."""
    node.call_pre_hooks(gys)
    node.call_post_hooks([None] * len(node._edges), gys)


def retain(node: Any, gys: list[Tensor | None]) -> None:
    """Keeps the gradients that `Tensor.retain_grad` asked for: as they are after all hooks."""
    for index, reference in node._retained.items():
        tensor, gradient = reference(), gys[index]
        # Written in place since then, the tensor has another node, which keeps its gradient.
        if tensor is None or gradient is None or tensor.edge() != (node, index):
            continue
        tensor._grad = gradient.clone() if tensor._grad is None else tensor._grad + gradient


def misfit(got: Any, shape: Any, known: Any) -> RuntimeError:
    """What to raise for a gradient that cannot be added to a leaf's .grad, whose shape is known."""
    return RuntimeError(
        f"AccumulateGrad got an invalid gradient - got {shape_text(got)} but expected shape "
        f"compatible with {shape_text(shape)}, the tensor's, and {shape_text(known)}, that of its "
        "grad so far. Did `.data = ...` change one of them?"
    )


def not_a_tensor(name: str, index: int) -> RuntimeError:
    """What to raise for the gradient of an argument that is no tensor."""
    return RuntimeError(
        f"function {name} returned a gradient different from None at position {index + 1}, but the "
        "corresponding forward input was not a Tensor. Return None there."
    )


def mismatch(gradient: Tensor, shape: Any) -> RuntimeError:
    """What to raise for a gradient to start from that has not the shape of what was computed."""
    return RuntimeError(
        f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} and output[0] has a "
        f"shape of {Size(shape)}."
    )


def summed_to(shape: tuple[int, ...], gradient: Tensor, name: str, index: int) -> Tensor:
    """A gradient of a shape that the tensor's own broadcasts to, summed to the tensor's shape."""
    given = gradient.array.shape
    fitting = zip(reversed(shape), reversed(given), strict=False)
    if len(given) < len(shape) or any(n != m and n != 1 for n, m in fitting):
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {index} - got "
            f"{shape_text(given)} but expected shape compatible with {shape_text(shape)}"
        )
    more = len(given) - len(shape)
    dims = [d for d, n in enumerate(given) if d < more or shape[d - more] != n]
    return gradient.sum(dim=dims).reshape(shape)


def in_order(forward: Any, args: tuple, named: dict[str, Any], newer: bool) -> tuple:
    """The arguments of a forward, of which some were given by name, in the order of its own.

    newer: it is called without a ctx, and its setup_context sees the defaults too, as in torch.
    """
    bound = inspect.signature(forward).bind(*(args if newer else (None, *args)), **named)
    if bound.kwargs:
        raise TypeError(f"forward() takes no keyword-only arguments, but got {list(bound.kwargs)}")
    if newer:
        bound.apply_defaults()
        return bound.args
    return bound.args[1:]


def unusual_outputs(node: Any, args: tuple, outputs: tuple, recording: bool) -> tuple:
    """The outputs of a forward of which some are no new tensors, as apply goes on with them.

    An input that was returned as it is gets a tensor of its own, one that mark_dirty was said of
    does not. A view that forward took is another tensor from now on, and is not written through.
    """
    for changed in node._dirty:
        check_dirty(changed, args, outputs, recording)
    result = []
    for output in outputs:
        result.append(output)
        if not isinstance(output, Tensor):
            continue
        if id(output) in map(id, node._dirty):
            output._bump_version()
        elif id(output) in map(id, args):
            result[-1] = output.detach()
            if id(output) in map(id, node._non_differentiable):
                node._non_differentiable += (result[-1],)
        elif output._view is not None and any(output._view.base is each for each in outputs):
            output._view = None  # it is an output like the one that it was a part of
        elif output._view is not None and recording:
            output._view.alone = (
                "This view was created inside a custom Function. Such a result of "
                f"{node._function.__name__}.forward is being modified inplace"
            )
    return tuple(result)


DEPTH = 40  # so many backwards inside of each other fit into Python's default limit of recursion


def not_too_deep(run: Any, *args: Any) -> Any:
    """run(*args), a backward. Every fortieth inside of others has a thread of its own.

    Python counts the calls inside of each other for each thread, so programs whose backward calls
    backward, a thousand times over, come to an end. Who called waits meanwhile.
    """
    state.depth += 1
    try:
        if state.depth % DEPTH:
            return run(*args)
        settings = dict(state.__dict__)
        found: list[tuple[Any, BaseException | None]] = []

        def in_thread() -> None:
            state.__dict__.update(settings)
            try:
                found.append((run(*args), None))
            except BaseException as error:
                found.append((None, error))

        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        result, error = found[0]
        if error is not None:
            raise error
        return result
    finally:
        state.depth -= 1


def as_tensors(given: Any) -> tuple:
    """One tensor or several as a tuple, with a tensor in the place of each edge of a graph."""
    if isinstance(given, Tensor):
        return (given,)
    several = (given,) if isinstance(given, GradientEdge) else given
    return tuple(_at(each) if isinstance(each, GradientEdge) else each for each in several)


def _at(edge: GradientEdge) -> Tensor:
    """A leaf itself; of a node, which does not hold its outputs, a tensor without values."""
    if isinstance(edge.node, AccumulateGrad):
        return edge.node.variable
    shape, dtype = edge.node._outputs_meta[edge.output_nr]
    tensor = wrap(np.broadcast_to(np.zeros((), dtype), shape))
    tensor._set_history(*edge)
    return tensor


def initial_gradients(roots: tuple[Tensor, ...], given: Any) -> list[Tensor]:
    """What backward starts from: the gradients that were given, ones for scalars.

    Raises RuntimeError for a tensor without a graph and where ones would not do, or the numbers of
    both differ; TypeError for what is no tensor.
    """
    given = (None,) * len(roots) if given is None else as_tensors(given)
    for gradient in given:
        if gradient is not None and not isinstance(gradient, Tensor):
            raise TypeError(f"gradients must be Tensors or None, got {type(gradient).__name__}")
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    grads = []
    for root, gradient in zip(roots, given, strict=True):
        if not isinstance(root, Tensor):
            raise TypeError(f"backward goes from a Tensor, got {type(root).__name__}: {root!r:.60}")
        if not root.requires_grad:
            raise RuntimeError(
                "this tensor does not require grad and does not have a grad_fn: nothing that it "
                "was computed from has requires_grad=True, or it was computed under no_grad"
            )
        if gradient is None:
            if root.numel() != 1:
                raise RuntimeError(
                    "grad can be implicitly created only for scalar outputs; this one has shape "
                    f"{shape_text(root.shape)}. Pass a gradient of that shape, or sum() first."
                )
            xp = array_module(root.array)
            gradient = wrap(xp.ones_like(root.array))
        grads.append(gradient)
    return grads


def warn_of_circle() -> None:
    """Says what backward(create_graph=True) leaves behind."""
    warnings.warn(
        "Using backward() with create_graph=True will create a reference cycle between the "
        "parameter and its gradient: the graph that the gradient holds leads to the parameter. "
        "Memory is freed late that way. Use autograd.grad, or set .grad to None afterwards.",
        stacklevel=4,
    )


def lying_as(leaf: Any, gradient: Any) -> Any:
    """A copy of a gradient in the order of memory that its leaf's array has; see Tensor.stride.

    By rows, where the leaf has gaps in its memory, or elements that share theirs.
    """
    order = axes_as_in_memory(leaf)
    dense = leaf.transpose(order).flags.c_contiguous
    copy = array_module(gradient).empty_like(leaf, order="K" if dense else "C")
    copy[...] = gradient
    return copy


def wanted_inputs(inputs: Any, function: str) -> tuple:
    """The tensors that `inputs=` names. Raises RuntimeError if none, or one without a gradient."""
    tensors = as_tensors(inputs)
    if not tensors:
        raise RuntimeError(f"`inputs` argument to `{function}()` cannot be empty")
    for index, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise RuntimeError(f"{function}: all inputs have to be Tensors, but got {tensor!r:.60}")
        if not tensor.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad: input {index}"
            )
    return tensors


def refuse_edge(inputs: Any, index: int) -> None:
    """Raises RuntimeError for a gradient of zeros that an edge would get: it has no values."""
    given = (inputs,) if isinstance(inputs, Tensor | GradientEdge) else tuple(inputs)
    if isinstance(given[index], GradientEdge):
        raise RuntimeError(
            "materialize_grads cannot be used when the given input is a GradientEdge: input "
            f"{index} is one, and is not used"
        )


def each_of_batch(
    grad: Any, outputs: Any, inputs: Any, grad_outputs: Any, retain_graph: Any, options: tuple
) -> tuple[Tensor | None, ...]:
    """`grad` with is_grads_batched: one backward for each entry of grad_outputs, one by one."""
    from ..ops.join import stack  # ops is above autograd

    batches = as_tensors(() if grad_outputs is None else grad_outputs)
    lengths = [len(batch) for batch in batches if batch is not None]
    if not lengths or min(lengths) != max(lengths) or lengths[0] == 0:
        raise ValueError(
            "grad with is_grads_batched: vmap: Expected all tensors of grad_outputs to have the "
            f"same size, of 1 at least, in the mapped dimension; got sizes {lengths}"
        )
    for root, batch in zip(as_tensors(outputs), batches, strict=False):
        if batch is not None and batch.shape[1:] != root.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                f"as the batch; the others have to be its output's: got {batch.shape} for an "
                f"output of {root.shape}"
            )
    keep = options[0] if retain_graph is None else retain_graph
    rows = []
    for index in range(lengths[0]):
        gradients = [None if batch is None else batch[index] for batch in batches]
        last = index == lengths[0] - 1
        rows.append(grad(outputs, inputs, gradients, keep or not last, *options))
    # (inputs, B, ...); an input that is unused is so in each entry
    columns = zip(*rows, strict=True)
    return tuple(None if column[0] is None else stack(column) for column in columns)


def copied(gradient: Tensor) -> Tensor:
    """A gradient in memory of its own, from which backward goes on to what it was computed from."""
    from ..ops.inplace import Replace  # ops is above autograd

    return Replace.apply(wrap(gradient.array.copy(order="K")), gradient)


def shares_places(tensor: Tensor) -> bool:
    """Whether elements of a tensor share a place in memory, as those of an expanded one do."""
    strides = zip(tensor.array.strides, tensor.array.shape, strict=True)
    return bool(tensor.array.size) and any(step == 0 and n > 1 for step, n in strides)


def check_places(tensor: Tensor) -> None:
    """Raises RuntimeError for an expanded tensor, whose elements share a place in memory."""
    if shares_places(tensor):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor (shape "
            f"{shape_text(tensor.shape)}, stride {tensor.stride()}) refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


def call_post_hooks(leaf: Tensor) -> None:
    """Tells the hooks of a leaf that its .grad was added to."""
    for hook in in_turn(leaf._post_hooks or {}):
        if (result := hook(leaf)) is not None and result is not leaf:
            kind = RuntimeError if isinstance(result, Tensor) else TypeError
            raise kind(f"post accumulate grad hooks should return None, not {result!r:.60}")


def last_uses(roots: tuple[Tensor, ...]) -> dict[int, list[int]]:
    """Of each leaf with post hooks: the number of the node that is the last to send a gradient to
    it, as backward goes from roots; {number: ids of the leaves}.

    Such a leaf need not wait until backward is over. Its gradient can be sent to other processes,
    or used up by an optimizer and freed, while the rest is computed. `state.awaited` are all these.
    """
    last: dict[int, int] = {}
    seen: set[Any] = set()
    left = [root.grad_fn for root in roots if root.grad_fn is not None]
    while left:
        node = left.pop()
        if node in seen:
            continue
        seen.add(node)
        for edge in node._edges:
            if edge is None:
                continue
            if not isinstance(edge[0], Tensor):
                left.append(edge[0])
            elif edge[0]._post_hooks:
                key = id(edge[0])
                last[key] = min(last.get(key, node._number), node._number)
    state.awaited = set(last)
    found: dict[int, list[int]] = {}
    for key, number in last.items():
        found.setdefault(number, []).append(key)
    return found


def check_dirty(changed: Any, args: tuple, outputs: tuple, recording: bool) -> None:
    """Raises RuntimeError where a forward may not say mark_dirty(changed)."""
    if not any(changed is each for each in args):
        warnings.warn(
            "Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an input, "
            "there is no need to pass it to mark_dirty().",
            stacklevel=5,
        )
    if id(changed) not in map(id, outputs):
        raise RuntimeError(
            "Some elements marked as dirty during the forward method were not returned as output. "
            "The inputs that are modified inplace must all be outputs of the Function."
        )
    if recording and changed.requires_grad and changed.is_leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation "
            f"(mark_dirty of a tensor of shape {shape_text(changed.shape)})."
        )
    if recording and changed._view is not None:
        if len(outputs) > 1:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your "
                "Function cannot return more than one Tensor. Give it a clone() of the view, or "
                "make two Functions of it."
            )
        changed._view.check_in_touch()
        if changed._view.base.requires_grad and changed._view.base.is_leaf:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                f"operation (mark_dirty of a view of shape {shape_text(changed.shape)})."
            )


def write_through_views(dirty: tuple) -> None:
    """Where a forward has written to a view, the tensor that it is a part of changed as well."""
    from ..ops.inplace import take_over_history  # ops is above autograd

    for changed in dirty:
        if changed._view is not None:
            new = wrap(changed.array)
            new._set_history(changed._node, changed._output)
            take_over_history(changed, new)


def has_nan(tensor: Tensor) -> bool:
    """Whether a gradient is an anomaly."""
    return bool(array_module(tensor.array).isnan(tensor.array).any())


def watched_backward(node: Any, gys: list) -> Any:
    """The backward of one node while anomalies are looked for: it is known to what it records."""
    before, state.inducer = state.inducer, node
    try:
        return node._function.backward(node, *gys)
    except Exception:
        warn_of_anomaly(node)
        raise
    finally:
        state.inducer = before


def warn_of_anomaly(node: Any) -> None:
    """Says where the operation was called whose backward is to blame.

    If that was in the backward of another one, where that one was called, too, and so on.
    """
    text = f"Error detected in {node._title()}."
    what = "caused the error"
    while node is not None:
        if node._traceback is None:
            text += (
                " No forward pass information available. Enable detect anomaly during forward pass "
                "for more information."
            )
        else:
            text += f" Traceback of forward call that {what}:\n{''.join(node._traceback)}"
        try:
            warnings.warn(text, stacklevel=4)
        except Warning:  # it was made an error, and must not take the place of the real one
            print(text, file=sys.stderr)
        node = node._inducer
        if node is not None:
            text = f"Previous calculation was induced by {node._title()}."
            what = "induced the previous calculation"


class OfUsers:
    """What a Function that a program defines has, or may have, beside forward and backward."""

    generate_vmap_rule = False

    def __init_subclass__(cls, **options: Any) -> None:
        """vjp is another name for backward."""
        super().__init_subclass__(**options)
        if "vjp" in cls.__dict__:
            both = "backward" in cls.__dict__
            cls.backward = staticmethod(_two_backwards if both else cls.vjp)  # type: ignore[attr-defined]

    def __call__(self, *args: Any) -> Any:
        """`Function()(x)`, as it was called before there was `apply`. Raises RuntimeError."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Write its "
            f"forward and backward as static methods, and call {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """torch's rule for batches, which `func.vmap` does without here: it calls forward."""
        raise NotImplementedError("this Function defines no static method vmap(info, in_dims, ...)")


def _two_backwards(ctx: Any, *grads: Any) -> Any:
    raise RuntimeError(
        "Implementing both 'backward' and 'vjp' for a custom Function is not allowed: they are two "
        "names of one method."
    )


def once_differentiable(backward: Any) -> Any:
    """Decorates a backward that computes on bare arrays: a second derivative is refused.

    >>> import minitorch_cnn as mt
    >>> class Double(mt.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     @mt.autograd.function.once_differentiable
    ...     def backward(ctx, gy):
    ...         return mt.tensor(gy.numpy() * 2)
    """

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        from .function import Function

        class RefuseSecond(Function):
            """The same values, which refuse to be differentiated"""

            @staticmethod
            def forward(ctx: Any, *parts: Tensor) -> tuple:
                return parts

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                raise RuntimeError(
                    "trying to differentiate twice a function that was marked with "
                    "@once_differentiable"
                )

        recording, state.grad_enabled = state.grad_enabled, False
        try:
            result = backward(ctx, *grads)
        finally:
            state.grad_enabled = recording
        if not recording or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return result
        parts = result if isinstance(result, tuple) else (result,)
        # None has a place among the neighbours of the node, too, as in torch.
        leaves = [p.detach() if isinstance(p, Tensor) else wrap(np.zeros(())) for p in parts]
        for leaf, part in zip(leaves, parts, strict=True):
            leaf.requires_grad_(isinstance(part, Tensor))
        refusing = RefuseSecond.apply(*leaves)
        pairs = zip(refusing, parts, strict=True)
        return tuple(y if isinstance(part, Tensor) else part for y, part in pairs)

    return wrapper
