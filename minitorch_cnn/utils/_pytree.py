"""torch.utils._pytree, which many programs use though it is private: nested tuples, lists, dicts.

Everything else, None too, is a leaf; so is an instance of a class derived from dict or list.

>>> import minitorch_cnn as mt
>>> tree_map(lambda x: 2 * x, {"a": mt.ones(1), "b": (1, [2])})
{'a': tensor([2.]), 'b': (2, [4])}
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

PyTree = Any
IsLeaf = Callable[[Any], bool] | None


class NodeDef(NamedTuple):
    """How a kind of node comes apart, into (its parts, what else it is), and together again."""

    flatten_fn: Callable[[Any], tuple[list, Any]]
    unflatten_fn: Callable[[Any, Any], Any]


def _keys_last(tree: Any) -> tuple[list, Any]:
    return list(tree.values()), list(tree)


SUPPORTED_NODES: dict[Any, NodeDef] = {
    tuple: NodeDef(lambda tree: (list(tree), None), lambda parts, _: tuple(parts)),
    list: NodeDef(lambda tree: (list(tree), None), lambda parts, _: list(parts)),
    dict: NodeDef(_keys_last, lambda parts, keys: dict(zip(keys, parts, strict=True))),
    namedtuple: NodeDef(lambda tree: (list(tree), type(tree)), lambda parts, kind: kind(*parts)),
    OrderedDict: NodeDef(
        _keys_last, lambda parts, keys: OrderedDict(zip(keys, parts, strict=True))
    ),
    defaultdict: NodeDef(
        lambda tree: (list(tree.values()), [tree.default_factory, list(tree)]),
        lambda parts, context: defaultdict(context[0], zip(context[1], parts, strict=True)),
    ),
    deque: NodeDef(
        lambda tree: (list(tree), tree.maxlen), lambda parts, longest: deque(parts, longest)
    ),
}


def register_pytree_node(
    cls: type, flatten_fn: Callable, unflatten_fn: Callable, **options: Any
) -> None:
    """Makes the instances of a class nodes, which come apart and together by these functions.

    flatten_fn(tree) gives (parts, context), unflatten_fn(parts, context) the tree. The options,
    which say how torch writes such a tree to a file, change nothing. Raises ValueError for a class
    that is known already.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(flatten_fn, unflatten_fn)


def _get_node_type(tree: Any) -> Any:
    """The key of a tree's kind in SUPPORTED_NODES, if it has one."""
    return namedtuple if isinstance(tree, tuple) and hasattr(tree, "_fields") else type(tree)


class TreeSpec:
    """The nesting without its leaves: what `tree_flatten` gives, and `tree_unflatten` takes.

    type            a key of SUPPORTED_NODES, None of a leaf
    context         what else the node is, a dict's keys for instance
    children_specs  the same of its parts
    """

    num_leaves: int

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_children = len(children_specs)
        self.num_leaves = sum(each.num_leaves for each in children_specs)

    def is_leaf(self) -> bool:
        """Whether it is the nesting of a single leaf."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The nestings of its parts."""
        return list(self.children_specs)

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The nesting with these leaves; ValueError for another number of them."""
        given = list(leaves)
        if len(given) != self.num_leaves:
            raise ValueError(f"the tree has {self.num_leaves} leaves, got {len(given)}")
        return self._filled(iter(given))

    def _filled(self, leaves: Iterator[Any]) -> PyTree:
        if self.is_leaf():
            return next(leaves)
        parts = [each._filled(leaves) for each in self.children_specs]
        return SUPPORTED_NODES[self.type].unflatten_fn(parts, self.context)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TreeSpec)
            and (self.type, self.context) == (other.type, other.context)
            and self.children_specs == other.children_specs
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.is_leaf():
            return "*"
        parts = [repr(each).replace("\n", "\n  ") for each in self.children_specs]
        return f"TreeSpec({self.type.__name__}, {self.context}, [{f',{chr(10)}  '.join(parts)}])"


class LeafSpec(TreeSpec):
    """The nesting of a single leaf.

    >>> tree_structure(5), tree_structure([5]).children_specs[0] == LeafSpec()
    (*, True)
    """

    def __init__(self) -> None:
        super().__init__(None, None, [])
        self.num_leaves = 1


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves, and what puts leaves back into the same nesting.

    is_leaf: of what it says so, that is a leaf too.

    >>> leaves, spec = tree_flatten([1, (2, 3)])
    >>> leaves, tree_unflatten([4, 5, 6], spec)
    ([1, 2, 3], [4, (5, 6)])
    """
    leaves: list[Any] = []

    def visit(tree: PyTree) -> TreeSpec:
        kind = _get_node_type(tree)
        if kind not in SUPPORTED_NODES or (is_leaf is not None and is_leaf(tree)):
            leaves.append(tree)
            return LeafSpec()
        parts, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        return TreeSpec(kind, context, [visit(each) for each in parts])

    spec = visit(tree)
    return leaves, spec


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves, in order.

    >>> tree_leaves({"b": 1, "a": (2, None)})
    [1, 2, None]
    """
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The nesting alone."""
    return tree_flatten(tree, is_leaf)[1]


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The nesting with these leaves; ValueError for another number of them."""
    return treespec.unflatten(leaves)


def tree_map(func: Callable, tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """The same nesting of what the function gives for each leaf, and for those at its place in
    `rests`; ValueError if these have another number of leaves.

    >>> tree_map(max, (1, [5]), (3, [4]))
    (3, [5])
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *(tree_leaves(each, is_leaf) for each in rests)]
    return spec.unflatten([func(*each) for each in zip(*columns, strict=True)])


def tree_map_only(kind: type | tuple[type, ...], func: Callable, tree: PyTree) -> PyTree:
    """`tree_map`, for the leaves of some type; the others stay.

    >>> tree_map_only(int, str, [1, 2.0])
    ['1', 2.0]
    """
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)


def _broadcast_to_and_flatten(tree: PyTree, treespec: TreeSpec) -> list[Any] | None:
    """What each leaf of a nesting finds at its place in a smaller one, where one leaf may stand for
    a whole part; None if they do not fit.

    >>> _broadcast_to_and_flatten((0, None), tree_structure(((1, 2), 3)))
    [0, 0, None]
    """
    kind = _get_node_type(tree)
    if kind not in SUPPORTED_NODES:
        return [tree] * treespec.num_leaves
    parts, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    if (kind, context, len(parts)) != (treespec.type, treespec.context, treespec.num_children):
        return None
    found: list[Any] = []
    for part, spec in zip(parts, treespec.children_specs, strict=True):
        below = _broadcast_to_and_flatten(part, spec)
        if below is None:
            return None
        found += below
    return found
