"""torch.utils._pytree and torch.utils.hooks, against torch's."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from minitorch_cnn.utils import _pytree as ours, hooks

Pair = namedtuple("Pair", "first second")
TREES = (
    1, None, [], (), {}, [1, (2, [3, {}]), None], {"b": [4, 5], "a": (6,)},
    Pair(1, [2, Pair(3, 4)]), OrderedDict([("z", 1), ("y", {"x": (2, 3)})]),
    [[[]], ({"k": "text"}, 2.5)],
)  # fmt: skip


def test_as_torchs():
    theirs = pytest.importorskip("torch.utils._pytree")
    for tree in TREES:
        leaves, spec = ours.tree_flatten(tree)
        want, theirs_spec = theirs.tree_flatten(tree)
        assert leaves == want == ours.tree_leaves(tree)
        assert spec.num_leaves == theirs_spec.num_leaves and spec == ours.tree_structure(tree)
        new = [f"leaf {i}" for i in range(len(leaves))]
        back = ours.tree_unflatten(new, spec)
        want = theirs.tree_unflatten(new, theirs_spec)
        assert back == want and type(back) is type(want)
        for function in (repr, lambda leaf: leaf):
            assert ours.tree_map(function, tree) == theirs.tree_map(function, tree)
        pairs = ours.tree_map(lambda a, b: (a, b), tree, back)
        assert pairs == theirs.tree_map(lambda a, b: (a, b), tree, back)
        for kind in (int, (int, float)):
            args = (kind, lambda leaf: leaf + 1, tree)
            assert ours.tree_map_only(*args) == theirs.tree_map_only(*args)
        with pytest.raises(ValueError, match=f"has {len(leaves)} leaves, got {len(leaves) + 1}"):
            ours.tree_unflatten([*leaves, 0], spec)
    assert ours.tree_structure([1]) != ours.tree_structure((1,))


def test_nestings_are_torchs():
    theirs = pytest.importorskip("torch.utils._pytree")
    Own = type("Own", (dict,), {})
    for tree in [*TREES, defaultdict(list, a=[1]), deque([1, 2], 3), Own(a=1), {"a": deque()}]:
        (leaves, spec), (want, other) = ours.tree_flatten(tree), theirs.tree_flatten(tree)
        assert leaves == want and str(spec) == str(other)
        assert spec.type == other.type and spec.context == other.context
        assert spec.is_leaf() == other.is_leaf() == isinstance(spec, ours.LeafSpec)
        back = spec.unflatten(leaves)
        assert back == tree and type(back) is type(tree)
        lists = ours.tree_leaves(tree, is_leaf=lambda each: isinstance(each, list))
        assert lists == theirs.tree_leaves(tree, is_leaf=lambda each: isinstance(each, list))
    for small in (0, (0,), (0, None), [0, 1], ((0, 1), 2), {"a": 0}):
        for tree in ((1, 2), ((1, 2), 3), [(1,), {"b": 4}], {"a": (1, [2])}, 5):
            found = ours._broadcast_to_and_flatten(small, ours.tree_structure(tree))
            assert found == theirs._broadcast_to_and_flatten(small, theirs.tree_structure(tree))


def test_nodes_of_ones_own():
    class Pair:
        def __init__(self, a, b):
            self.parts = [a, b]

    ours.register_pytree_node(Pair, lambda pair: (pair.parts, None), lambda parts, _: Pair(*parts))
    try:
        new = ours.tree_map(lambda x: x + 1, {"p": Pair(1, (2,))})["p"]
        assert type(new) is Pair and new.parts == [2, (3,)]
        with pytest.raises(ValueError, match="already registered as pytree node"):
            ours.register_pytree_node(Pair, list, list)
    finally:
        del ours.SUPPORTED_NODES[Pair]


def test_the_handle_of_a_hook():
    torch_hooks = pytest.importorskip("torch.utils.hooks")
    for name in hooks.__all__:
        assert hasattr(torch_hooks, name)
    with pytest.raises(NotImplementedError, match="BackwardHook is not supported"):
        hooks.BackwardHook  # noqa: B018
