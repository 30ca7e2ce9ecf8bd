"""Pruning beside torch's: masks, names, gradients, several methods for one parameter."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")
LIBS = [(mt, mt.nn.utils.prune), (torch, __import__("torch.nn.utils.prune").nn.utils.prune)]

CASES = [
    ["l1_unstructured(m, 'weight', 0.3)"],
    ["l1_unstructured(m, 'weight', 5)", "l1_unstructured(m, 'weight', 0.5)"],
    ["l1_unstructured(m, 'bias', 0.0)"],
    ["l1_unstructured(m, 'weight', 0.5, importance_scores=s)"],
    ["ln_structured(m, 'weight', 0.5, 2, 0)"],
    ["ln_structured(m, 'weight', 1, float('-inf'), 1)"],
    ["ln_structured(m, 'weight', 1, 1, -1)", "ln_structured(m, 'weight', 0.5, 2, 0)"],
    ["ln_structured(m, 'weight', 1, 2, 1)", "l1_unstructured(m, 'weight', 3)"],
    ["custom_from_mask(m, 'weight', s > 20)", "l1_unstructured(m, 'weight', 0.25)"],
    ["identity(m, 'weight')", "identity(m, 'bias')"],
    ["global_unstructured([(m, 'weight'), (m, 'bias')], L1Unstructured, amount=0.4)"],
    ["global_unstructured([(m, 'weight')], L1Unstructured, amount=5)"] * 2,
    ["l1_unstructured(m, 'weight', 0.3)", "remove(m, 'weight')"],
    ["ln_structured(m, 'weight', 1, 2, 0)", "l1_unstructured(m, 'bias', 2)", "remove(m, 'weight')"],
]  # fmt: skip


def run(lib, prune, calls):
    layer = lib.nn.Conv1d(2, 4, 3).double()
    rng = np.random.default_rng(5)
    values = {k: rng.standard_normal(tuple(v.shape)) for k, v in layer.state_dict().items()}
    layer.load_state_dict({k: lib.tensor(v) for k, v in values.items()})
    scores = lib.tensor(rng.permutation(24).reshape(4, 2, 3).astype("d"))
    weight = layer.weight
    for call in calls:
        eval(call, {**vars(prune), "m": layer, "s": scores})
    assert weight is layer._parameters.get("weight_orig", layer._parameters.get("weight"))
    x = lib.tensor(rng.standard_normal((2, 2, 6)))
    y = layer(x)
    (y * lib.tensor(rng.standard_normal(tuple(y.shape)))).sum().backward()
    names = list(layer.state_dict()), prune.is_pruned(layer), len(layer._forward_pre_hooks)
    arrays = [*layer.state_dict().values(), layer.weight.detach(), y.detach()]
    return names, [each.numpy() for each in arrays] + [p.grad.numpy() for p in layer.parameters()]


@pytest.mark.parametrize("calls", CASES, ids=lambda calls: "; ".join(calls)[:60])
def test_masks_and_gradients_are_torchs(calls):
    (names, ours), (their_names, theirs) = (run(*lib, calls) for lib in LIBS)
    assert names == their_names
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_random_ones_prune_as_much():
    prune = mt.nn.utils.prune
    layer = mt.nn.Linear(10, 8)
    prune.random_unstructured(layer, "weight", 0.25)
    assert layer.weight_mask.sum().item() == 60
    prune.random_unstructured(layer, "weight", 10)
    assert layer.weight_mask.sum().item() == 50 and layer.weight.count_nonzero() == 50
    other = prune.random_structured(mt.nn.Linear(10, 8), "weight", 3, 0)
    assert sorted(other.weight_mask.sum(1).tolist()) == [0] * 3 + [10] * 5
    kept = prune.RandomUnstructured(2).prune(mt.ones(5))
    assert kept.sum().item() == 3


def test_a_step_leaves_the_zeros():
    layer = mt.nn.utils.prune.l1_unstructured(mt.nn.Linear(6, 2), "weight", 0.5)
    before = layer.weight_mask.clone()
    optimizer = mt.optim.SGD(layer.parameters(), lr=0.1, weight_decay=0.1)
    layer(mt.ones(1, 6)).sum().backward()
    optimizer.step()
    layer(mt.ones(1, 6))
    assert (layer.weight != 0).equal(before == 1)
    again = mt.nn.utils.prune.l1_unstructured(mt.nn.Linear(6, 2), "weight", 0.5)
    again.load_state_dict(layer.state_dict())
    assert again(mt.ones(1, 6)).equal(layer(mt.ones(1, 6)))


WRONG = [
    "l1_unstructured(m, 'weight', 1.5)",
    "l1_unstructured(m, 'weight', -1)",
    "l1_unstructured(m, 'weight', 25)",
    "l1_unstructured(m, 'weight', 'x')",
    "l1_unstructured(m, 'nope', 0.5)",
    "ln_structured(m, 'weight', 0.5, 2, 5)",
    "ln_structured(m, 'bias', 0.5, 2, 0)",
    "remove(m, 'weight')",
    "global_unstructured(3, L1Unstructured, amount=0.5)",
    "global_unstructured([(m, 'weight')], LnStructured, amount=0.5, n=2)",
    "custom_from_mask(m, 'weight', m.bias)",
    "L1Unstructured(0.5).prune(m.weight, importance_scores=m.bias)",
    "PruningContainer().add_pruning_method(3)",
]


@pytest.mark.parametrize("call", WRONG)
def test_what_is_refused(call):
    kinds = []
    for lib, prune in LIBS:
        layer = lib.nn.Conv1d(2, 4, 3)
        with pytest.raises(Exception) as error:
            eval(call, {**vars(prune), "m": layer})
        kinds.append(error.type.__name__.replace("MissingName", "AttributeError"))
        if lib is mt:
            assert sorted(layer.state_dict()) == ["bias", "weight"]  # as it was
    assert kinds[0] == kinds[1]


def test_a_container_computes_in_the_values_type():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        prune = pytest.importorskip("torch.nn.utils.prune") if lib is torch else mt.nn.utils.prune
        method = prune.L1Unstructured(amount=2)
        method._tensor_name = "weight"
        container = prune.PruningContainer(method)
        t = lib.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]])
        mask = container.compute_mask(t, lib.tensor([[1, 1, 1, 0], [1, 1, 0, 1]]))
        assert mask.dtype is lib.float32 and mask.tolist() == [[0, 0, 1, 0], [1, 1, 0, 1]]
