"""Containers: order, names, slices, repr, and what they register."""

from collections import OrderedDict

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn


def both(run):
    """What the same code gives with the two libraries; errors by type and text."""
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        try:
            results.append(run(lib))
        except Exception as error:
            results.append((type(error).__name__, str(error)))
    ours, theirs = results
    if isinstance(theirs, tuple) and isinstance(theirs[-1], str):
        theirs = (*theirs[:-1], theirs[-1].replace("torch", "minitorch_cnn"))
    return ours, theirs


def layers(lib, *names):
    kinds = {
        "relu": lib.nn.ReLU,
        "tanh": lib.nn.Tanh,
        "fc": lambda: lib.nn.Linear(2, 2),
        "fc3": lambda: lib.nn.Linear(2, 3),
    }
    return [kinds[name]() for name in names]


def named(lib):
    fc, relu, tanh = layers(lib, "fc", "relu", "tanh")
    return lib.nn.Sequential(OrderedDict([("fc", fc), ("act", relu), ("last", tanh)]))


def after(change, build):
    """The repr of a container after a change to it."""

    def run(lib):
        container = build(lib)
        result = change(lib, container)
        return repr(container if result is None else result)

    return run


def sequential(lib):
    return lib.nn.Sequential(*layers(lib, "fc", "relu", "tanh", "fc3"))


def module_list(lib):
    return lib.nn.ModuleList(layers(lib, "fc", "fc", "fc", "relu", "fc3", "fc3"))


CHANGES = {
    "slice": lambda lib, c: c[1:],
    "slice, step": lambda lib, c: c[::2],
    "slice, empty": lambda lib, c: c[5:2],
    "item": lambda lib, c: c[-1],
    "append": lambda lib, c: c.append(lib.nn.Tanh()),
    "insert": lambda lib, c: c.insert(1, lib.nn.Tanh()),
    "insert at the end": lambda lib, c: c.insert(len(c), lib.nn.Tanh()),
    "insert from behind": lambda lib, c: c.insert(-1, lib.nn.Tanh()),
    "extend": lambda lib, c: c.extend(layers(lib, "relu", "tanh")),
    "extend with itself": lambda lib, c: c.extend(c[:2]),
    "set": lambda lib, c: c.__setitem__(1, lib.nn.Sigmoid()),
    "set from behind": lambda lib, c: c.__setitem__(-2, lib.nn.Sigmoid()),
    "delete": lambda lib, c: c.__delitem__(0),
    "delete slice": lambda lib, c: c.__delitem__(slice(0, 2)),
    "pop": lambda lib, c: c.pop(1),
    "iadd": lambda lib, c: (
        c.__iadd__(type(c)(*layers(lib, "relu")))
        if isinstance(c, lib.nn.Sequential)
        else c.__iadd__(layers(lib, "relu"))
    ),
    "out of range": lambda lib, c: c[9],
    "out of range, set": lambda lib, c: c.__setitem__(-9, lib.nn.ReLU()),
    "append a number": lambda lib, c: c.append(3),
    "iterate": lambda lib, c: [type(m).__name__ for m in c],
    "parameters": lambda lib, c: [name for name, _ in c.named_parameters()],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("build", [sequential, module_list, named], ids=lambda b: b.__name__)
def test_changes_print_as_torchs(build, change):
    ours, theirs = both(after(CHANGES[change], build))
    if build is module_list and change == "insert from behind":
        assert theirs == ("KeyError", "'-1'")  # a bug of torch's
        assert "(5): Tanh()" in ours
    elif build is named and change in ("insert", "insert from behind"):
        assert ours[0] == theirs[0] == "KeyError"
    else:
        assert ours == theirs


def test_sequential_runs_in_order_and_shares_its_slices():
    a, b = nn.Linear(2, 3), nn.Linear(3, 1)
    net = nn.Sequential(a, nn.ReLU(), b)
    x = mt.randn(4, 2)
    assert bool((net(x) == b(mt.nn.functional.relu(a(x)))).all())
    assert net[:1][0] is a and len(net) == 3 and a in net and nn.Tanh() not in net
    assert nn.Sequential()(x) is x
    joined = net + nn.Sequential(nn.Tanh())
    assert len(joined) == 4 and len(net) == 3
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential"):
        net + [nn.Tanh()]
    with pytest.raises(AssertionError, match="module should be of type"):
        net.insert(0, 3)
    with pytest.raises(IndexError, match="Index out of range: 7"):
        net.insert(7, nn.Tanh())


def test_named_sequential():
    net = named(mt)
    assert net.act is net[1] and list(net.state_dict()) == ["fc.weight", "fc.bias"]
    assert [name for name, _ in net[1:].named_children()] == ["act", "last"]


def test_nested_repr():
    def run(lib):
        inner = lib.nn.ModuleList([lib.nn.Sequential(*layers(lib, "fc", "relu")) for _ in range(3)])
        return repr(lib.nn.ModuleDict({"blocks": inner, "none": lib.nn.ModuleList()}))

    ours, theirs = both(run)
    assert ours == theirs and "(0-2): 3 x Sequential" in ours


def test_module_list_registers_but_does_not_run():
    blocks = nn.ModuleList(layers(mt, "fc", "relu"))
    assert len(list(blocks.parameters())) == 2
    assert len(blocks + layers(mt, "tanh")) == 3 and len(blocks) == 2
    with pytest.raises(NotImplementedError, match="ModuleList"):
        blocks(mt.zeros(1))
    with pytest.raises(TypeError, match="called with an iterable, but got int"):
        blocks.extend(3)


def test_module_dict():
    def run(lib):
        d = lib.nn.ModuleDict({"a": lib.nn.ReLU(), "b": lib.nn.Tanh()})
        d["c"] = lib.nn.Linear(1, 1)
        d.update([["a", lib.nn.Sigmoid()], ["d", lib.nn.ReLU()]])
        d.update(lib.nn.ModuleDict({"e": lib.nn.ReLU()}))
        del d["b"]
        popped = d.pop("d")
        pairs = [(name, type(m).__name__) for name, m in d.items()]
        facts = (len(d), "a" in d, "b" in d, list(d), list(d.keys()), len(list(d.values())))
        d2 = lib.nn.ModuleDict(dict(d.items()))
        d2.clear()
        return [repr(d), repr(popped), pairs, facts, list(d.state_dict()), repr(d2)]

    ours, theirs = both(run)
    assert ours == theirs
    with pytest.raises(TypeError, match="iterable of key/value pairs"):
        nn.ModuleDict(3)
    with pytest.raises(TypeError, match="element #0 should be Iterable"):
        nn.ModuleDict([3])


def test_parameter_list():
    def run(lib):
        p = lib.nn.ParameterList([lib.ones(2), lib.nn.Parameter(lib.zeros(1, 3))])
        p.append(lib.nn.Parameter(lib.ones(())))
        p += [lib.zeros(2, 2)]
        p.extend([3.5])
        p[0] = lib.nn.Parameter(lib.ones(5))
        shapes = [tuple(q.shape) for q in p[:2]]
        return [repr(p).replace("torch.", "minitorch_cnn."), shapes, len(p), list(p.state_dict())]

    ours, theirs = both(run)
    assert ours == theirs
    p = nn.ParameterList([mt.ones(2)])
    assert isinstance(p[0], nn.Parameter) and p[-1] is p[0]
    with pytest.raises(IndexError, match="index 1 is out of range"):
        p[1]
    with pytest.raises(TypeError, match="called with an iterable"):
        p.extend(3)
    with pytest.raises(RuntimeError, match="should not be called"):
        p()


def test_parameter_dict():
    def run(lib):
        p = lib.nn.ParameterDict({"a": lib.ones(2), "b": lib.zeros(1, 3)})
        p["c"] = lib.nn.Parameter(lib.ones(()))
        p.update({"a": lib.nn.Parameter(lib.ones(4))})
        p.pop("b")
        facts = (len(p), "a" in p, "b" in p, list(p), sorted(p.keys()))
        shapes = {name: tuple(value.shape) for name, value in p.items()}
        text = repr(p).replace("torch.FloatTensor", "minitorch_cnn.float32")
        p.clear()
        return [text, facts, shapes, len(list(p.values())), list(p.state_dict())]

    ours, theirs = both(run)
    assert ours == theirs
    with pytest.raises(KeyError, match="nope"):
        nn.ParameterDict()["nope"]
    with pytest.raises(TypeError, match="not a string"):
        nn.ParameterDict()[3] = mt.ones(1)
    with pytest.raises(RuntimeError, match="should not be called"):
        nn.ParameterDict()(3)
    with pytest.raises(TypeError, match="iterable of key/value pairs, but got int"):
        nn.ParameterDict(3)
    with pytest.raises(KeyError, match="is empty"):
        nn.ParameterDict().popitem()


def test_identity_flatten_and_unflatten():
    x = mt.randn(2, 3, 4, 5)
    assert nn.Identity(3, anything="goes")(x) is x
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)
    assert bool((nn.Unflatten(1, (3, 4, 5))(nn.Flatten()(x)) == x).all())
    for build in (lambda l: l.nn.Flatten(0, 2), lambda l: l.nn.Unflatten(1, (3, -1))):
        ours, theirs = both(lambda lib, build=build: repr(build(lib)))
        assert ours == theirs
    with pytest.raises(NotImplementedError, match="named dimensions"):
        nn.Unflatten("C", (3, 4))
    with pytest.raises(TypeError, match="tuple of ints"):
        nn.Unflatten(1, (3, 4.0))


def test_the_old_container():
    with pytest.warns(FutureWarning, match="deprecated"):
        box = nn.Container(a=nn.ReLU(), b=None)
    assert [name for name, _ in box.named_modules()] == ["", "a"]
    with pytest.warns(FutureWarning), pytest.raises(TypeError):
        nn.Container(a=3)


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_sequential_many_times(name):
    lib = pytest.importorskip(name)
    net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.ReLU())
    for double in (net * 2, 2 * net):
        assert [type(each).__name__ for each in double] == ["Linear", "ReLU"] * 2
        assert double[2] is net[0] and len(net) == 2
    with pytest.raises(ValueError, match="Non-positive"):
        net * 0
    with pytest.raises(TypeError, match="unsupported operand"):
        net * 1.5
    first = net[0]
    net *= 3
    assert len(net) == 6 and net[4] is first


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_the_order_of_a_parameter_dict(name):
    lib = pytest.importorskip(name)
    values = {key: lib.zeros(1) for key in "cab"}
    assert list(lib.nn.ParameterDict(values)) == ["a", "b", "c"]
    assert list(lib.nn.ParameterDict(OrderedDict(values))) == ["c", "a", "b"]
    assert list(lib.nn.ParameterDict(list(values.items()))) == ["c", "a", "b"]


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_prefixes_of_a_state_dict(name):
    lib = pytest.importorskip(name)
    consume = lib.nn.modules.utils.consume_prefix_in_state_dict_if_present
    net = lib.nn.Module()
    net.module = lib.nn.Sequential(lib.nn.BatchNorm1d(2), lib.nn.Linear(2, 1))
    state = net.state_dict()
    consume(state, "module.")
    assert list(state) == list(net.module.state_dict())
    assert set(state._metadata) == {"", "0", "1"}
    net.module.load_state_dict(state)


def test_a_parameter_dict_does_what_a_dict_does():
    names = {key: nn.Parameter(mt.tensor([float(value)])) for value, key in enumerate("cab")}
    plain, found = dict(names), nn.ParameterDict(OrderedDict(names))
    assert list(reversed(found)) == ["b", "a", "c"]
    assert found.get("a") is names["a"] and found.get("x") is None and found.get("x", 3) == 3
    assert found.setdefault("a", 5) is names["a"]
    more = nn.Parameter(mt.ones(2))
    for each in (plain, found):
        assert each.setdefault("z", more) is more
    twin = found.copy()
    assert found.popitem() == plain.popitem() == ("z", more)
    assert list(twin) == ["c", "a", "b", "z"] and list(found) == list(plain) == ["c", "a", "b"]
    assert isinstance(twin, nn.ParameterDict) and twin["c"] is found["c"]
    for both in (found | {"y": more}, found | nn.ParameterDict({"y": more})):
        assert type(both) is nn.ParameterDict and dict(both.items()) == {**plain, "y": more}
    reflected = {"y": more} | found
    assert type(reflected) is dict and reflected == {"y": more, **plain}
    before = found
    found |= {"y": more}
    assert found is before and dict(found.items()) == {**plain, "y": more}
    assert [name for name, _ in found.named_parameters()] == ["c", "a", "b", "y"]
    zero = found.fromkeys(["p", "q"], mt.zeros(1))
    assert list(zero) == ["p", "q"] and all(
        isinstance(each, nn.Parameter) for each in zero.values()
    )
