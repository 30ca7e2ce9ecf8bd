"""Module: registration, walking the tree, state dicts and their error texts, hooks, copies."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn


def with_torch():
    """The two libraries, to run the same code with both."""
    return mt, pytest.importorskip("torch")


def in_our_words(text):
    """What torch says, with our names in it."""
    return str(text).replace("torch", "minitorch_cnn")


def error_of(call):
    """The type and text of what a call raises."""
    with pytest.raises(Exception) as caught:
        call()
    return caught.type.__name__, str(caught.value)


def make_net(lib):
    """A small tree: a shared module, a shared and a missing parameter, all kinds of buffers."""

    class Block(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = lib.nn.Linear(3, 3, bias=False)
            self.gain = lib.nn.Parameter(lib.ones(3))
            self.register_parameter("nothing", None)

        def forward(self, x):
            return self.fc(x) * self.gain

    class Net(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Block()
            self.norm = lib.nn.BatchNorm1d(3)
            self.again = self.first
            self.tied = self.first.gain
            self.act = lib.nn.ReLU(inplace=True)
            self.register_buffer("count", lib.zeros(2))
            self.register_buffer("scratch", lib.zeros(1), persistent=False)
            self.register_buffer("empty", None)

        def forward(self, x):
            return self.act(self.norm(self.again(self.first(x))))

    return Net()


# ------------------------------------------------------------------------- walking the tree


@pytest.mark.parametrize(
    "walk",
    [
        lambda net: [n for n, _ in net.named_parameters()],
        lambda net: [n for n, _ in net.named_parameters(remove_duplicate=False)],
        lambda net: [n for n, _ in net.named_parameters("root", recurse=False)],
        lambda net: [n for n, _ in net.first.named_parameters(prefix="x")],
        lambda net: [n for n, _ in net.named_buffers()],
        lambda net: [n for n, _ in net.named_buffers(recurse=False)],
        lambda net: [n for n, _ in net.named_modules()],
        lambda net: [n for n, _ in net.named_modules(remove_duplicate=False, prefix="p")],
        lambda net: [n for n, _ in net.named_children()],
        lambda net: len(list(net.parameters())),
        lambda net: len(list(net.modules())),
        lambda net: [type(m).__name__ for m in net.children()],
        lambda net: list(net.state_dict()),
        lambda net: list(net.state_dict(prefix="a.b.")),
        lambda net: dict(net.first.state_dict()._metadata),
        repr,
    ],
)
def test_the_tree_is_walked_as_torch_walks_it(walk):
    ours, theirs = (walk(make_net(lib)) for lib in with_torch())
    assert ours == theirs


def test_dir_names_parameters_buffers_and_children():
    assert {"first", "count", "forward"} <= set(dir(make_net(mt)))
    assert "0" not in dir(nn.Sequential(nn.ReLU()))


def test_apply_visits_children_before_parents():
    seen = []
    net = make_net(mt)
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "Block", "BatchNorm1d", "ReLU", "Net"]


def test_train_and_eval_reach_all_modules():
    net = make_net(mt)
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train("yes")


def test_requires_grad_and_zero_grad():
    net = nn.Linear(2, 2)
    net(mt.ones(1, 2)).sum().backward()
    kept = net.weight.grad
    net.zero_grad(set_to_none=False)
    assert net.weight.grad is not None and net.weight.grad.tolist() == [[0.0, 0.0]] * 2
    assert kept.tolist() == [[0.0, 0.0]] * 2  # filled in place
    net.zero_grad()
    assert net.weight.grad is None
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("path", ["", "first", "first.fc", "first.nope", "nope.fc", "count"])
def test_get_submodule(path):
    def name_or_error(lib):
        net = make_net(lib)
        try:
            return type(net.get_submodule(path)).__name__
        except AttributeError as error:
            return str(error)

    ours, theirs = (name_or_error(lib) for lib in with_torch())
    assert ours == theirs


@pytest.mark.parametrize(
    "method, path",
    [
        ("get_parameter", "first.gain"),
        ("get_parameter", "first.fc.weight"),
        ("get_parameter", "first.none"),
        ("get_parameter", "first.fc"),
        ("get_buffer", "count"),
        ("get_buffer", "norm.running_mean"),
        ("get_buffer", "first.gain"),
        ("get_buffer", "norm.nope"),
    ],
)
def test_get_parameter_and_buffer(method, path):
    def shape_or_error(lib):
        try:
            return tuple(getattr(make_net(lib), method)(path).shape)
        except AttributeError as error:
            return str(error)

    ours, theirs = (shape_or_error(lib) for lib in with_torch())
    assert ours == theirs


# ---------------------------------------------------------------------------- attributes


MISTAKES = {
    "no init, module": lambda lib, bare, net: setattr(bare, "x", lib.nn.ReLU()),
    "no init, parameter": lambda lib, bare, net: setattr(bare, "x", lib.nn.Parameter(lib.ones(1))),
    "no init, buffer": lambda lib, bare, net: bare.register_buffer("x", lib.ones(1)),
    "no init, register": lambda lib, bare, net: bare.register_parameter("x", None),
    "tensor for parameter": lambda lib, bare, net: setattr(net.first, "gain", lib.ones(3)),
    "number for parameter": lambda lib, bare, net: setattr(net.first, "gain", 3),
    "number for module": lambda lib, bare, net: setattr(net, "act", 3),
    "number for buffer": lambda lib, bare, net: setattr(net, "count", 3),
    "buffer name taken": lambda lib, bare, net: net.register_buffer("act", lib.ones(1)),
    "buffer name dotted": lambda lib, bare, net: net.register_buffer("a.b", lib.ones(1)),
    "buffer name empty": lambda lib, bare, net: net.register_buffer("", lib.ones(1)),
    "buffer name number": lambda lib, bare, net: net.register_buffer(3, lib.ones(1)),
    "buffer of number": lambda lib, bare, net: net.register_buffer("b", 3),
    "parameter taken": lambda lib, bare, net: net.register_parameter("act", None),
    "parameter dotted": lambda lib, bare, net: net.register_parameter("a.b", None),
    "parameter of tensor": lambda lib, bare, net: net.register_parameter("p", lib.ones(1)),
    "module taken": lambda lib, bare, net: net.add_module("count", lib.nn.ReLU()),
    "module dotted": lambda lib, bare, net: net.add_module("a.b", lib.nn.ReLU()),
    "module of number": lambda lib, bare, net: net.add_module("m", 3),
    "unknown attribute": lambda lib, bare, net: net.nope,
    "unknown delete": lambda lib, bare, net: delattr(net, "nope"),
    "no forward": lambda lib, bare, net: lib.nn.Module()(1),
    "load a list": lambda lib, bare, net: net.load_state_dict([]),
    "to an integer type": lambda lib, bare, net: net.to(lib.int64),
}


def make_bare(lib):
    class Bare(lib.nn.Module):
        def __init__(self):
            pass

    return Bare()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_what_torch_raises(mistake):
    ours, theirs = (
        error_of(lambda lib=lib: MISTAKES[mistake](lib, make_bare(lib), make_net(lib)))
        for lib in with_torch()
    )
    assert ours[0] == theirs[0]


# Those whose text is part of what users know by heart.
@pytest.mark.parametrize(
    "mistake",
    [
        "no init, module",
        "no init, parameter",
        "buffer name taken",
        "buffer name empty",
        "unknown attribute",
        "no forward",
        "module of number",
        "load a list",
        "number for buffer",
    ],
)
def test_well_known_texts_are_torchs(mistake):
    ours, theirs = (
        error_of(lambda lib=lib: MISTAKES[mistake](lib, make_bare(lib), make_net(lib)))
        for lib in with_torch()
    )
    # we have no nn.Buffer, and so do not offer it
    assert ours[1] == in_our_words(theirs[1]).replace("minitorch_cnn.nn.Buffer, ", "")


def test_a_non_leaf_is_no_parameter():
    p = nn.Parameter(mt.ones(2))
    p._set_history((p * 2).grad_fn, 0)
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'p'"):
        nn.Module().register_parameter("p", p)


def test_assigning_changes_what_a_name_is():
    module = nn.Module()
    module.x = 3
    module.x = nn.Parameter(mt.ones(1))
    assert "x" in module._parameters and "x" not in module.__dict__
    module.x = nn.ReLU()
    assert "x" in module._modules and "x" not in module._parameters
    module.x = None
    assert module.x is None and "x" in module._modules
    del module.x
    module.x = mt.ones(1)  # a plain tensor is no buffer
    assert "x" not in module._buffers and list(module.state_dict()) == []
    module.register_buffer("y", mt.ones(1), persistent=False)
    module.y = mt.zeros(2)  # still a buffer, and still not saved
    assert module._buffers["y"].shape == (2,) and list(module.state_dict()) == []


def test_replacing_a_child_keeps_its_place():
    net = make_net(mt)
    net.norm = nn.Identity()
    assert [name for name, _ in net.named_children()] == ["first", "norm", "act"]


# ---------------------------------------------------------------------------- conversions


def test_double_and_float_convert_in_place_and_leave_integers_alone():
    net = make_net(mt)
    weight = net.first.fc.weight
    net(mt.randn(4, 3)).sum().backward()
    assert net.double() is net and net.first.fc.weight is weight
    assert weight.dtype is mt.float64 and weight.grad.dtype is mt.float64
    assert net.norm.running_mean.dtype is mt.float64
    assert net.norm.num_batches_tracked.dtype is mt.int64
    assert net.half().count.dtype is mt.float16
    assert net.float().count.dtype is mt.float32
    assert net.to(mt.zeros(1, dtype=mt.float64)).count.dtype is mt.float64
    assert net.to("cpu", mt.float32).count.dtype is mt.float32
    assert net.cpu().count.device == mt.device("cpu")
    with pytest.raises(TypeError, match=r"not a dtype: 3\.5"):
        net.to(3.5)


def test_channels_last_weights():
    conv = nn.Conv2d(3, 4, 2).to(memory_format=mt.channels_last)
    assert conv.weight.is_contiguous(memory_format=mt.channels_last)
    assert isinstance(conv.weight, nn.Parameter) and conv.weight.requires_grad


def test_deepcopy_and_pickle_are_independent_and_equal():
    net = make_net(mt)
    net.norm.running_mean.fill_(3.0)
    for clone in (copy.deepcopy(net), pickle.loads(pickle.dumps(nn.Sequential(nn.Linear(2, 2))))):
        assert all(isinstance(p, nn.Parameter) for p in clone.parameters())
    clone = copy.deepcopy(net)
    assert clone.first is clone.again
    for (name, a), b in zip(net.state_dict().items(), clone.state_dict().values(), strict=True):
        assert bool((a == b).all()) and a.data_ptr() != b.data_ptr(), name
    with mt.no_grad():
        clone.first.gain.fill_(7.0)
    assert net.first.gain.tolist() == [1.0, 1.0, 1.0]


# ---------------------------------------------------------------------------- state dicts


def test_state_dict_shares_memory_and_load_copies():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    state = a.state_dict()
    assert isinstance(state, OrderedDict) and not state["weight"].requires_grad
    assert str(b.load_state_dict(state)) == "<All keys matched successfully>"
    assert b.weight.tolist() == a.weight.tolist()
    with mt.no_grad():
        a.weight.fill_(9.0)
    assert state["weight"].tolist() == [[9.0, 9.0]] * 2 and b.weight.tolist() != a.weight.tolist()
    assert a.state_dict(keep_vars=True)["weight"] is a.weight


def test_load_by_assignment_takes_the_tensors_over():
    layer = nn.Linear(2, 2)
    layer.weight.requires_grad_(False)
    weight, bias = mt.ones(2, 2, dtype=mt.float64), nn.Parameter(mt.zeros(2))
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    assert layer.bias is bias and layer.weight.dtype is mt.float64
    assert isinstance(layer.weight, nn.Parameter) and not layer.weight.requires_grad
    assert layer.weight.data_ptr() == weight.data_ptr()


def damaged(lib, state):
    """A state dict with one of every kind of mistake."""
    state = dict(state)
    state["first.fc.weight"] = lib.zeros(2, 3)
    state["count"] = lib.zeros(2, 1)
    del state["norm.bias"], state["first.gain"]
    state["extra"] = lib.zeros(1)
    state["first.fc.bias"] = lib.zeros(1)
    state["nowhere.weight"] = lib.zeros(1)
    return state


@pytest.mark.parametrize("strict", [True, False])
def test_the_report_of_a_bad_state_dict_is_torchs(strict):
    reports = []
    for lib in with_torch():
        net = make_net(lib)
        with pytest.raises(RuntimeError) as caught:
            net.load_state_dict(damaged(lib, net.state_dict()), strict=strict)
        reports.append(in_our_words(caught.value) if lib is not mt else str(caught.value))
    assert reports[0] == reports[1]
    assert "size mismatch for first.fc.weight" in reports[0]
    assert ("Missing key(s)" in reports[0]) == strict


def test_not_strict_returns_the_keys():
    results = []
    for lib in with_torch():
        net = make_net(lib)
        state = damaged(lib, net.state_dict())
        state["first.fc.weight"], state["count"] = lib.zeros(3, 3), lib.zeros(2)
        result = net.load_state_dict(state, strict=False)
        results.append((result.missing_keys, result.unexpected_keys))
    assert results[0] == results[1]


def test_what_is_no_tensor_is_reported():
    with pytest.raises(RuntimeError, match=r"\"bias\", expected torch.Tensor .* 'list'"):
        nn.Linear(1, 1).load_state_dict({"weight": mt.ones(1, 1), "bias": [0.0]})


def test_scalars_of_old_checkpoints_are_accepted():
    norm = nn.BatchNorm1d(2)
    state = norm.state_dict()
    state["num_batches_tracked"] = mt.tensor([5])
    norm.load_state_dict(state)
    assert norm.num_batches_tracked.item() == 5


# --------------------------------------------------------------------------------- hooks


def run_with_hooks(lib, use):
    """A linear layer with fixed numbers, hooks from `use`, forward and backward."""
    layer = lib.nn.Linear(2, 2, bias=False).double()
    with lib.no_grad():
        layer.weight.copy_(lib.tensor([[1.0, 2.0], [3.0, 4.0]]))
    log = []
    use(lib, layer, log)
    x = lib.tensor([[1.0, -1.0]], dtype=lib.float64, requires_grad=True)
    y = layer(x)
    y.backward(lib.tensor([[1.0, 10.0]], dtype=lib.float64))
    return y.tolist(), x.grad.tolist(), layer.weight.grad.tolist(), log


def forward_hooks(lib, layer, log):
    def before(module, args):
        log.append(("before", [a.tolist() for a in args]))
        return (args[0] * 2,)

    def after(module, args, output):
        log.append(("after", args[0].tolist(), output.tolist()))
        return output + 1

    layer.register_forward_pre_hook(before)
    layer.register_forward_hook(after)
    layer.register_forward_hook(lambda m, a, y: log.append(("first", y.tolist())), prepend=True)


def single_value_hook(lib, layer, log):
    layer.register_forward_pre_hook(lambda module, args: args[0] * 3)


def hooks_with_kwargs(lib, layer, log):
    layer.register_forward_pre_hook(
        lambda module, args, kwargs: ((), {"input": args[0] * 2}), with_kwargs=True
    )
    layer.register_forward_hook(
        lambda module, args, kwargs, y: log.append((args, sorted(kwargs))), with_kwargs=True
    )


def backward_hooks(lib, layer, log):
    def before(module, grad_output):
        log.append(("before", [g.tolist() for g in grad_output]))
        return (grad_output[0] * 2,)

    def after(module, grad_input, grad_output):
        log.append(("after", grad_input[0].tolist(), grad_output[0].tolist()))
        return (grad_input[0] + 1,)

    layer.register_full_backward_hook(after)
    layer.register_full_backward_pre_hook(before)
    layer.register_full_backward_hook(lambda m, i, o: log.append("first"), prepend=True)


def removed_hooks(lib, layer, log):
    for register in (
        layer.register_forward_hook,
        layer.register_forward_pre_hook,
        layer.register_full_backward_hook,
        layer.register_full_backward_pre_hook,
    ):
        register(lambda *args: log.append("called")).remove()


@pytest.mark.parametrize(
    "use",
    [forward_hooks, single_value_hook, hooks_with_kwargs, backward_hooks, removed_hooks],
    ids=lambda use: use.__name__,
)
def test_hooks_see_and_change_what_torchs_do(use):
    ours, theirs = (run_with_hooks(lib, use) for lib in with_torch())
    assert ours == theirs


def two_in_two_out(lib, log, first_needs_grad):
    class Both(lib.nn.Module):
        def forward(self, a, number, b):
            return a * b, number, [b]

    module = Both()
    module.register_full_backward_hook(
        lambda m, gi, go: log.append(
            [[None if g is None else g.tolist() for g in grads] for grads in (gi, go)]
        )
    )
    a = lib.tensor([2.0], requires_grad=first_needs_grad)
    b = lib.tensor([5.0], requires_grad=True)
    product, number, _ = module(a, 7, b)
    assert number == 7
    product.backward()
    return log, b.grad.tolist()


@pytest.mark.parametrize("first_needs_grad", [True, False])
def test_backward_hook_with_several_arguments(first_needs_grad):
    ours, theirs = (two_in_two_out(lib, [], first_needs_grad) for lib in with_torch())
    assert ours == theirs


def test_backward_hook_of_the_first_layer_has_no_input_gradient():
    layer, log = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: log.append((gi, go[0].tolist())))
    layer(mt.ones(1, 2)).sum().backward()
    assert log == [((None,), [[1.0]])]
    with mt.no_grad():
        assert not layer(mt.ones(1, 2)).requires_grad
    assert len(log) == 1


def test_backward_hooks_can_be_differentiated_through():
    layer = nn.Linear(1, 1, bias=False).double()
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 3,))
    x = mt.tensor([[2.0]], dtype=mt.float64, requires_grad=True)
    (g,) = mt.autograd.grad((layer(x) ** 2).sum(), x, create_graph=True)  # 3 * 2 w^2 x
    (gg,) = mt.autograd.grad(g.sum(), x)
    w = layer.weight.item()
    assert g.item() == pytest.approx(12 * w * w)
    assert gg.item() == pytest.approx(3 * 3 * 2 * w * w)  # the second pass goes through it again


def test_an_inplace_layer_may_follow_a_hooked_one():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    net[0].register_full_backward_hook(lambda m, gi, go: None)
    net(mt.ones(1, 2, requires_grad=True)).sum().backward()
    assert net[0].weight.grad is not None


def test_wrong_results_of_hooks_are_refused():
    layer = nn.Linear(1, 1)
    handle = layer.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"tuple of \(new_args, new_kwargs\), but got 3"):
        layer(mt.ones(1, 1))
    handle.remove()
    layer.register_full_backward_pre_hook(lambda m, go: (go[0], go[0]))
    with pytest.raises(RuntimeError, match="got 2, but expected 1"):
        layer(mt.ones(1, 1)).sum().backward()


def test_a_hook_that_keeps_nothing_leaves_no_cycle():
    import gc
    import weakref

    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda m, gi, go: None)
    gc.disable()
    try:
        y = layer(mt.ones(1, 2, requires_grad=True))
        alive = weakref.ref(y)
        y.sum().backward()
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_parameter_shares_the_tensors_memory_and_survives_arithmetic_as_a_tensor():
    data = mt.zeros(2)
    p = nn.Parameter(data)
    with mt.no_grad():
        p += 1
    assert data.tolist() == [1.0, 1.0]
    assert type(p * 2) is mt.Tensor and type(p.detach()) is mt.Tensor
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    with pytest.raises(TypeError, match="Parameter needs a Tensor, got list"):
        nn.Parameter([1.0])
    np.testing.assert_array_equal(p.detach().numpy(), [1.0, 1.0])


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_a_buffer_takes_the_place_of_another(name):
    lib = pytest.importorskip(name)
    module = lib.nn.Module()
    for persistent in (False, True, False):
        module.x = lib.nn.Buffer(lib.ones(2), persistent=persistent)
        assert len(list(module.buffers())) == 1 and len(module.state_dict()) == persistent


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_to_makes_no_copy(name):
    lib = pytest.importorskip(name)
    with pytest.raises(RuntimeError, match="does not accept copy"):
        lib.nn.Linear(1, 1).to("cpu", copy=True)
