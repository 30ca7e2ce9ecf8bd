"""Backward: from the loss to the leaves, every node once.

A node is created after the nodes that made its inputs, and nodes are numbered as they are created.
So going through them by falling number is a reverse topological order: when a node's turn comes,
every operation that used its outputs has had its turn, and the gradients of those outputs are
complete. A heap gives the next node; there is no recursion, whatever the depth of the graph.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import array_module
from ..tensor import Tensor, running, shape_text, wrap
from . import custom
from .function import Node
from .modes import state


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradients of `tensors` to `.grad` of the leaves (see Tensor.backward)."""
    roots = custom.as_tensors(tensors)
    if create_graph:
        custom.warn_of_circle()
    only = None if inputs is None else custom.wanted_inputs(inputs, "backward")
    grads = custom.initial_gradients(roots, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    found = custom.not_too_deep(_run, roots, grads, keep, create_graph, only, True)
    for tensor, gradient in dict(zip(only or (), found, strict=True)).items():  # each once
        if gradient is not None and not tensor._retains_grad:  # else `retain` has kept it
            _accumulate(tensor, gradient, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`, returned instead of accumulated.

    allow_unused: None instead of a RuntimeError for an input that outputs do not depend on;
    materialize_grads: zeros for it. is_grads_batched: grad_outputs, and with them the result, have
    one more dimension in front. only_inputs is True in torch too, whatever is given.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor(3.0, requires_grad=True)
    >>> (dy,) = mt.autograd.grad(x**3, x, create_graph=True)
    >>> dy, mt.autograd.grad(dy, x)[0]
    (tensor(27., grad_fn=<MulBackward0>), tensor(18.))
    """
    if is_grads_batched:
        options = create_graph, only_inputs, allow_unused, False, materialize_grads
        return custom.each_of_batch(grad, outputs, inputs, grad_outputs, retain_graph, options)
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True"
        )
    roots, wanted = custom.as_tensors(outputs), custom.wanted_inputs(inputs, "grad")
    grads = custom.initial_gradients(roots, grad_outputs)
    keep = create_graph if retain_graph is None else retain_graph
    found = custom.not_too_deep(_run, roots, grads, keep, create_graph, wanted, False)
    result: list[Tensor | None] = []
    for index, (tensor, gradient) in enumerate(zip(wanted, found, strict=True)):
        if gradient is None and materialize_grads:
            custom.refuse_edge(inputs, index)
            gradient = _zeros(tensor.array.shape, tensor.array.dtype, tensor)
            gradient.requires_grad_(create_graph)
        elif gradient is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors appears to not have been used in the graph: "
                f"input {index}, of shape {shape_text(tensor.shape)}. Set allow_unused=True if "
                "this is the desired behavior."
            )
        result.append(gradient)
    return tuple(result)


def _run(
    roots: tuple[Tensor, ...],
    grads: list[Tensor],
    keep_graph: bool,
    create_graph: bool,
    wanted: tuple[Tensor, ...] | None,
    accumulating: bool,
) -> list[Tensor | None]:
    """Goes backward from roots. Accumulates into the leaves, or returns the wanted gradients.

    accumulating: they will be added to `.grad`, or are, if none are wanted.
    """
    targets = [_key(tensor.edge()) for tensor in wanted or ()]
    wanted_edges = set(targets)
    useful = None if wanted is None else _nodes_that_reach(roots, wanted_edges)
    captured: dict[tuple[int, int], Tensor] = {}
    pending: dict[Node, list[Tensor | None]] = {}  # gradients of the outputs, as far as known
    heap: list[tuple[int, Node]] = []
    early: dict[int, list[int]] | None = None  # leaves with somebody waiting, by their last user

    def send(edge: tuple[Any, int], gradient: Tensor, fresh: bool = False) -> None:
        nonlocal early
        target, index = edge
        if useful is not None and target not in useful and _key(edge) not in wanted_edges:
            return
        if isinstance(target, Tensor):
            leaves.setdefault(id(target), (target, []))[1].append((gradient, fresh))
            if target._post_hooks and early is None:
                early = custom.last_uses(roots)
            return
        if target not in pending:
            pending[target] = [None] * len(target._outputs_meta)
            heapq.heappush(heap, (-target._number, target))
        slot = pending[target]
        known = slot[index]
        slot[index] = gradient if known is None else known + gradient

    leaves: dict[int, tuple[Tensor, list[tuple[Tensor, bool]]]] = {}
    before = state.grad_enabled, state.running, state.quiet, state.saving, state.keep
    errors = np.geterr()
    try:
        state.grad_enabled, state.quiet = create_graph, True
        state.running = object(), roots, useful, wanted_edges
        np.seterr(all="ignore")  # as in Function.apply
        for root, gradient in zip(roots, grads, strict=True):
            target, index = start = root.edge()
            # as it was computed: `root.data = ...` may have changed it since
            shape = root.array.shape if target is root else target._outputs_meta[index][0]
            if (gradient._deferred or gradient.arriving).shape != shape:
                raise custom.mismatch(gradient, shape)
            send(start, gradient)
        while heap or leaves:
            if not heap:
                complete = list(leaves)
            else:
                _, node = heapq.heappop(heap)
                gys = pending.pop(node)
                if node._hooks:
                    custom.apply_hooks(node, gys)
                if node._retained:
                    custom.retain(node, gys)
                if useful is not None:
                    for index, gy in enumerate(gys):
                        if gy is not None and (id(node), index) in wanted_edges:
                            captured[id(node), index] = gy
                    if node not in useful:
                        if accumulating and (node._pre_hooks or node._post_hooks):
                            custom.hooks_alone(node, gys)
                        continue
                if node._pre_hooks:
                    node.call_pre_hooks(gys)
                gxs = _backward_of(node, gys)
                if node._post_hooks:
                    gxs = node.call_post_hooks(gxs, gys)
                if not keep_graph:
                    node.release()
                for edge, gx in zip(node._edges, gxs, strict=True):
                    if edge is not None and gx is not None:
                        send(edge, gx, node._function.fresh_gradients)
                complete = early.pop(node._number, []) if early else []
            for key in complete:
                if key not in leaves:  # the node had no gradient for it
                    continue
                leaf, parts = leaves.pop(key)
                total, fresh = parts[0]
                for part, _ in parts[1:]:
                    total, fresh = total + part, True
                for hook in custom.in_turn(leaf._hooks, accumulating) if leaf._hooks else ():
                    total, fresh = custom.call_hook(hook, total), False
                if wanted is None:
                    _accumulate(leaf, total, create_graph, fresh)
                else:
                    captured[id(leaf), 0] = total
    finally:
        state.grad_enabled, state.running, state.quiet, state.saving, state.keep = before
        np.seterr(**errors)
    return [captured.get(target) for target in targets]


def _backward_of(node: Node, gys: list[Tensor | None]) -> list[Tensor | None]:
    """Calls the backward of one node and checks what it returns."""
    if node.materialize_grads and len(gys) > 1:
        known = next(gy for gy in gys if gy is not None)  # because of one the node is here
        gys = [
            gy if gy is not None or meta is None else _zeros(meta[0], meta[1], known)
            for gy, meta in zip(gys, node._outputs_meta, strict=True)
        ]
    if state.anomaly:
        result = custom.watched_backward(node, gys)
    else:
        result = node._function.backward(node, *gys)
    gxs = list(result) if isinstance(result, tuple) else [result]
    while len(gxs) > len(node._edges) and gxs[-1] is None:
        gxs.pop()
    if len(gxs) != len(node._edges):
        raise RuntimeError(
            f"function {node._title()} returned an incorrect number of gradients "
            f"(expected {len(node._edges)}, got {len(gxs)})"
        )
    look_for_nan = state.anomaly and state.anomaly_check_nan
    for index, gradient in enumerate(gxs):
        if gradient is None or (meta := node._inputs_meta[index]) is None:
            continue
        if meta == ():
            raise custom.not_a_tensor(node._title(), index)
        shape, dtype = meta
        if not isinstance(gradient, Tensor):
            raise RuntimeError(
                f"function {node._title()} returned {gradient!r:.60} at index {index}: expected "
                f"Variable or None (got {type(gradient).__name__})"
            )
        values = gradient._deferred or gradient.arriving
        if values.shape != shape:
            gxs[index] = gradient = custom.summed_to(shape, gradient, node._title(), index)
            values = gradient.array
        if values.dtype != dtype:
            gxs[index] = gradient.to(dtype)
        if look_for_nan and custom.has_nan(gradient):
            custom.warn_of_anomaly(node)
            raise RuntimeError(
                f"Function '{node._title()}' returned nan values in its {index}th output."
            )
    return gxs


def _accumulate(leaf: Tensor, gradient: Tensor, create_graph: bool, fresh: bool = False) -> None:
    """Adds to leaf.grad. The first gradient is copied, unless nobody else can hold its array."""
    if not leaf._requires_grad:  # any more
        return
    shape = leaf.array.shape  # which `leaf.data = ...` may have changed since the graph was made
    known = shape if leaf._grad is None else leaf._grad.shape
    if not shape == known == (gradient._deferred or gradient.arriving).shape:
        raise custom.misfit(gradient.shape, shape, known)
    if leaf._grad is None and create_graph:
        leaf._grad = custom.copied(gradient)
    elif leaf._grad is None:
        array, rows = gradient.arriving, leaf.array.flags.c_contiguous
        if not (fresh and rows and array.flags.c_contiguous):
            array = gradient.array
            array = array.copy(order="C") if rows else custom.lying_as(leaf.array, array)
        leaf._grad = running(array)
    elif create_graph:
        leaf._grad = leaf._grad + gradient
    else:
        if 0 in leaf._grad.array.strides:
            custom.check_places(leaf._grad)
        leaf._grad._before_write()
        leaf._grad.array += gradient.array
        leaf._grad._bump_version()
    if leaf._post_hooks:
        custom.call_post_hooks(leaf)


def _nodes_that_reach(roots: tuple[Tensor, ...], wanted: set[tuple[int, int]]) -> set[Node]:
    """The nodes from which backward can come to one of the wanted edges."""
    nodes: set[Node] = set()
    stack = [root._node for root in roots if isinstance(root._node, Node)]
    while stack:
        node = stack.pop()
        if node in nodes:
            continue
        nodes.add(node)
        stack.extend(edge[0] for edge in node._edges if edge and isinstance(edge[0], Node))
    useful: set[Node] = set()
    for node in sorted(nodes, key=lambda each: each._number):  # inputs before what used them
        if any(edge and (_key(edge) in wanted or edge[0] in useful) for edge in node._edges):
            useful.add(node)
    return useful


def _key(edge: tuple[Any, int]) -> tuple[int, int]:
    return id(edge[0]), edge[1]


def _zeros(shape: Any, dtype: Any, like: Tensor) -> Tensor:
    """Zeros in the place of a gradient, in the library of another tensor."""
    return wrap(array_module(like.array).zeros(shape, dtype))
