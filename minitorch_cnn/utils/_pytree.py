"""torch.utils._pytree, which many programs use though it is private: nested tuples, lists, dicts.

Everything else, None too, is a leaf.

>>> import minitorch_cnn as mt
>>> tree_map(lambda x: 2 * x, {"a": mt.ones(1), "b": (1, [2])})
{'a': tensor([2.]), 'b': (2, [4])}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..func import _leaves, _like

PyTree = Any


class TreeSpec:
    """The nesting without its leaves: what `tree_flatten` gives, and `tree_unflatten` takes."""

    def __init__(self, tree: PyTree) -> None:
        self.num_leaves = len(_leaves(tree))
        self._tree = _like(tree, iter([None] * self.num_leaves))

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The nesting with these leaves; ValueError for another number of them."""
        given = list(leaves)
        if len(given) != self.num_leaves:
            raise ValueError(f"the tree has {self.num_leaves} leaves, got {len(given)}")
        return _like(self._tree, iter(given))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and self._tree == other._tree

    def __repr__(self) -> str:
        return f"TreeSpec({self._tree!r})"


def tree_leaves(tree: PyTree) -> list[Any]:
    """The leaves, in order.

    >>> tree_leaves({"b": 1, "a": (2, None)})
    [1, 2, None]
    """
    return _leaves(tree)


def tree_structure(tree: PyTree) -> TreeSpec:
    """The nesting alone."""
    return TreeSpec(tree)


def tree_flatten(tree: PyTree) -> tuple[list[Any], TreeSpec]:
    """The leaves, and what puts leaves back into the same nesting.

    >>> leaves, spec = tree_flatten([1, (2, 3)])
    >>> leaves, tree_unflatten([4, 5, 6], spec)
    ([1, 2, 3], [4, (5, 6)])
    """
    return _leaves(tree), TreeSpec(tree)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The nesting with these leaves; ValueError for another number of them."""
    return treespec.unflatten(leaves)


def tree_map(func: Callable, tree: PyTree, *rests: PyTree) -> PyTree:
    """The same nesting of what the function gives for each leaf, and for those at its place in
    `rests`; ValueError if these have another number of leaves.

    >>> tree_map(max, (1, [5]), (3, [4]))
    (3, [5])
    """
    columns = [_leaves(each) for each in (tree, *rests)]
    return _like(tree, iter([func(*leaves) for leaves in zip(*columns, strict=True)]))


def tree_map_only(kind: type | tuple[type, ...], func: Callable, tree: PyTree) -> PyTree:
    """`tree_map`, for the leaves of some type; the others stay.

    >>> tree_map_only(int, str, [1, 2.0])
    ['1', 2.0]
    """
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)
