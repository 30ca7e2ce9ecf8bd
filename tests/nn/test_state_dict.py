"""State dicts of older versions, and the ways in which a program has its say in them."""

import gc

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn


def seen_alike(program):
    """Runs ``program(library, seen)`` with torch and here: what it puts into `seen` is the same."""
    torch = pytest.importorskip("torch")
    results = []
    for library in (torch, mt):
        seen = []
        try:
            program(library, seen)
        except (RuntimeError, AssertionError) as error:
            seen.append(type(error).__name__)
        results.append(repr(seen))
    assert results[1] == results[0]
    assert len(results[0]) > 2


def small_net(library):
    layers = library.nn
    return layers.Sequential(
        layers.Linear(2, 2), layers.Sequential(layers.BatchNorm1d(2), layers.ReLU())
    )


def test_batch_norm_loads_files_older_than_its_count_of_batches():
    layer = nn.Sequential(nn.BatchNorm2d(2))
    layer[0].num_batches_tracked.fill_(5)
    old = {name: value for name, value in layer.state_dict().items() if "batches" not in name}
    layer.load_state_dict(old)
    assert layer[0].num_batches_tracked.item() == 5
    new = layer.state_dict()
    del new["0.num_batches_tracked"]  # a file that knows of it, and lacks it
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        layer.load_state_dict(new)


def test_hooks_around_saving_are_called_as_torchs():
    def program(library, seen):
        net = small_net(library)
        net[1].register_state_dict_pre_hook(lambda module, *rest: seen.append(rest))
        net.register_state_dict_post_hook(
            lambda module, values, prefix, metadata: seen.append((list(values), prefix, metadata))
        )
        net.state_dict(keep_vars=True)
        handle = net[1]._register_state_dict_hook(lambda module, values, *rest: {"other": rest})
        seen.append(net.state_dict(prefix="p.").keys())  # of a child it has no effect
        seen.append(net[1].state_dict())
        handle.remove()
        seen.append(list(net[1].state_dict()))
        net.register_state_dict_post_hook(lambda *args: 3)
        net.state_dict()

    seen_alike(program)


def test_hooks_around_loading_are_called_as_torchs():
    def program(library, seen):
        net = small_net(library)
        values = net.state_dict()
        del values["0.bias"]
        values["1.0.other"] = library.ones(1)
        net[1].register_load_state_dict_pre_hook(
            lambda module, values, *rest: seen.append((type(module).__name__, list(values), rest))
        )
        net[1]._register_load_state_dict_pre_hook(lambda values, *rest: rest[3].append("mine"))
        net[1].register_load_state_dict_post_hook(
            lambda module, keys: seen.append((list(keys.missing_keys), list(keys.unexpected_keys)))
        )
        handle = net.register_load_state_dict_post_hook(
            lambda module, keys: keys.missing_keys.clear() or keys.unexpected_keys.clear()
        )
        seen.append(net.load_state_dict(values))
        handle.remove()
        seen.append(net.load_state_dict(values, strict=False))
        net[0].register_load_state_dict_post_hook(lambda *args: 3)
        net.load_state_dict(values, strict=False)

    seen_alike(program)


def test_a_hook_may_rename_what_is_loaded_and_leaves_the_callers_dict_alone():
    def rename(values, prefix, *rest):
        values[prefix + "weight"] = values.pop(prefix + "w")

    layer = nn.Linear(1, 1, bias=False)
    layer._register_load_state_dict_pre_hook(rename)
    old = {"w": mt.tensor([[7.0]])}
    layer.load_state_dict(old)
    assert layer.weight.item() == 7 and list(old) == ["w"]


@pytest.mark.parametrize("methods", [(), ("get",), ("set",), ("get", "set")])
def test_extra_state_is_saved_and_asked_for_as_in_torch(methods):
    bodies = {
        "get": lambda self: {"count": 5},
        "set": lambda self, state: setattr(self, "got", state),
    }

    def program(library, seen):
        body = {f"{name}_extra_state": bodies[name] for name in methods}
        net = library.nn.Sequential(type("Counter", (library.nn.Module,), body)())
        seen.append(list(net.load_state_dict({}, strict=False)))
        for values in ({"0._extra_state": 3}, {}):
            try:
                net.load_state_dict(values)
                seen.append(vars(net[0]).get("got"))
            except RuntimeError as error:
                seen.append("_extra_state" in str(error))
        seen.append(dict(net.state_dict()))

    seen_alike(program)


@pytest.mark.filterwarnings("ignore:Positional args")  # so says torch
def test_a_child_that_writes_its_own_state_dict_is_asked():
    def program(library, seen):
        class Child(library.nn.Linear):
            def state_dict(self, *args, **options):
                seen.append((len(args), sorted(options)))
                return super().state_dict(*args, **options)

        net = library.nn.Sequential(Child(1, 1))
        seen.append(list(net.state_dict()))
        seen.append(list(net[0].state_dict({}, "p.", True)))

    seen_alike(program)


def test_a_child_may_load_leniently():
    def program(library, seen):
        class Child(library.nn.Linear):
            def _load_from_state_dict(self, values, prefix, metadata, strict, *lists):
                seen.append((list(values), prefix, metadata, strict))
                super()._load_from_state_dict(values, prefix, metadata, False, *lists)

        net = library.nn.Sequential(Child(1, 1))
        seen.append(net.load_state_dict({"0.other": library.ones(1)}))

    seen_alike(program)


def test_loading_leaves_nothing_behind():
    net = small_net(mt)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    gc.collect()
    net.load_state_dict(state)
    assert gc.collect() == 0  # a cycle would keep the whole state dict until then
