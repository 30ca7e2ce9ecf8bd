"""Arguments have torch's names, order and defaults, wherever torch shows them to Python."""

import inspect

import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

MODULES = (
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "utils.data",
    "autograd",
    "distributed",
)
# What torch itself calls old, what only its own kernels know, and arguments that say what the
# name of the function says already.
LEFT_OUT = {
    ("Hardtanh", "min_value"),
    ("Hardtanh", "max_value"),
    ("max_pool1d_with_indices", "return_indices"),
    ("max_pool3d_with_indices", "return_indices"),
    ("LBFGS", "maximize"),
    ("init_process_group", "_ranks"),
}
OURS = {"gradcheck", "gradgradcheck"}  # they look at more than torch's, and so take other things
OTHER_DEFAULTS = {("max_pool2d_with_indices", "return_indices"), ("random_split", "generator")}
OTHER_DEFAULTS |= {  # its address is in its repr
    (f"Transformer{each}", "activation") for each in ("", "EncoderLayer", "DecoderLayer")
}


def find(root, path):
    for part in path.split("."):
        root = getattr(root, part)
    return root


def parameters(value):
    """{name: (can be given by position, default)}; None where Python cannot see, or *args."""
    try:
        found = inspect.signature(value.__init__ if inspect.isclass(value) else value).parameters
    except (TypeError, ValueError):
        return None
    kinds = {each.kind for each in found.values()}
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return None
    return {
        name: (each.kind is not inspect.Parameter.KEYWORD_ONLY, each.default)
        for name, each in found.items()
        if name != "self"
    }


def pairs():
    for path in MODULES:
        ours, theirs = find(mt, path), find(torch, path)
        for name in sorted(set(dir(ours)) & set(dir(theirs))):
            mine, other = getattr(ours, name), getattr(theirs, name)
            if name.startswith("_") or name in OURS or not callable(mine):
                continue
            mine, other = parameters(mine), parameters(other)
            if mine is not None and other is not None:
                yield pytest.param(name, mine, other, id=f"{path}.{name}")


@pytest.mark.parametrize("name, ours, theirs", list(pairs()))
def test_arguments_are_torchs(name, ours, theirs):
    expected = [each for each in theirs if (name, each) not in LEFT_OUT]
    assert [each for each in ours if each in theirs] == expected
    in_order = [each for each in expected if theirs[each][0]]
    assert list(ours)[: len(in_order)] == in_order
    assert all(ours[each][0] for each in in_order)
    for each in expected:
        if (name, each) not in OTHER_DEFAULTS:
            mine, other = (repr(side[each][1]).split(".")[-1] for side in (ours, theirs))
            assert mine == other, each


def test_many_are_compared():
    assert len(list(pairs())) > 250
