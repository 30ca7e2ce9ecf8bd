"""torch.jit and torch.compile: what they get is handed back, and the first call says so."""

import warnings

import pytest

import minitorch_cnn as mt


@pytest.fixture
def said(monkeypatch):
    """As if nobody had called one of them yet in this process."""
    monkeypatch.setattr(mt.jit, "_said", False)


def test_the_first_call_says_that_nothing_is_compiled(said):
    model = mt.nn.Linear(2, 2)
    with pytest.warns(UserWarning, match="compile: nothing is compiled"):
        assert mt.compile(model, mode="reduce-overhead", fullgraph=True) is model
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mt.jit.trace(model, mt.ones(1, 2)) is model
        assert mt.jit.optimize_for_inference(mt.jit.freeze(mt.jit.script(model.eval()))) is model


def test_decorators_hand_the_function_back():
    def function(x: int) -> int:
        return x + 1

    for decorator in (
        mt.jit.ignore, mt.jit.ignore(drop=True), mt.jit.unused, mt.jit.export, mt.jit.script,
        mt.jit.script_if_tracing, mt.compile, mt.compile(dynamic=True), mt.jit.script_method,
    ):  # fmt: skip
        assert decorator(function) is function
    assert mt.jit.wait(mt.jit.fork(function, 1)) == 2
    assert not mt.jit.is_scripting() and not mt.jit.is_tracing()
    assert mt.jit.annotate(list[int], []) == [] and mt.jit.isinstance([1], list[int])
    with mt.jit.optimized_execution(False):
        assert mt.jit.set_fusion_strategy([("DYNAMIC", 1)]) == []


def test_the_attributes_of_a_scripted_class():
    @mt.jit.interface
    class Kind:
        size: mt.jit.Final[int] = 3

    assert Kind().size == 3


def test_what_is_refused():
    torch = pytest.importorskip("torch")
    for name in mt.jit.__all__:
        assert hasattr(torch.jit, name), name
    with pytest.raises(RuntimeError, match="eval"):
        mt.jit.freeze(mt.nn.Linear(2, 2))
    with pytest.raises(NotImplementedError, match=r"jit\.save .*onnx"):
        mt.jit.save(mt.nn.Linear(2, 2), "model.pt")
    with pytest.raises(NotImplementedError, match=r"jit\.load .*state_dict"):
        mt.jit.load("model.pt")
    with pytest.raises(TypeError, match="module or a function"):
        mt.compile(3)


def test_compilers_names():
    c = mt.compiler
    assert c.is_compiling() is False and c.is_exporting() is False and c.list_backends() == []
    assert c.disable(len) is len and c.disable(recursive=False)(len) is len
    assert c.allow_in_graph(len) is c.assume_constant_result(len) is len
    assert c.reset() is c.cudagraph_mark_step_begin() is None and c.compile is mt.compile


def test_nothing_is_a_script():
    """What libraries ask before they look into a model; one that was traced is not one either."""
    model = mt.nn.Linear(2, 2)
    assert not isinstance(model, (mt.jit.ScriptModule, mt.jit.ScriptFunction))

    class Own(mt.jit.ScriptModule):
        pass

    for kind in (mt.jit.ScriptModule, mt.jit.ScriptFunction, Own):
        with pytest.raises(NotImplementedError, match=f"{kind.__name__} .*nn.Module"):
            kind()
