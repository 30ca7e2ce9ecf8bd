"""The outputs of layers inside a model: `torchvision.models.feature_extraction`.

    body = create_feature_extractor(resnet18(), {"layer1": "low", "layer4": "high"})
    body(images)["high"]

torchvision writes the model's program anew (torch.fx); here a forward hook on each named module
keeps what passes by, and the run ends as soon as everything asked for is there. What follows:

- Inputs ("x") and modules have names, not the operations between them: "layer1.0" or
  "layer1.0.relu", but not "flatten" or "layer1.0.add".
- All parameters of the model stay parameters of the extractor, those of unused layers too.
- `get_graph_node_names` lists modules in the order of their registration.

As there, an operation in place changes what was seen before it: the output of "bn1" that a
ReLU(inplace=True) takes is returned as it is after the ReLU.
"""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import nn
from ..tensor import Tensor

__all__ = ["create_feature_extractor", "get_graph_node_names"]

Nodes = Sequence[str] | Mapping[str, str]


def get_graph_node_names(
    model: nn.Module,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> tuple[list[str], list[str]]:
    """The names of the inputs and of all layers (modules without children), for training and for
    evaluation mode.

    Both lists are the same here, so there is no warning to suppress. The names of modules that
    contain layers, such as "layer1", can be used as well, and "layer1.0.relu_1" is the second call
    of "layer1.0.relu". Raises NotImplementedError for the arguments of torch.fx.

    >>> import minitorch_cnn as mt
    >>> train_nodes, eval_nodes = get_graph_node_names(mt.models.resnet18())
    >>> train_nodes[:6]
    ['x', 'conv1', 'bn1', 'relu', 'maxpool', 'layer1.0.conv1']
    """
    _refuse_fx(tracer_kwargs=tracer_kwargs, concrete_args=concrete_args)
    names = [name for name, module in model.named_modules() if not list(module.children())]
    names = [*inspect.signature(model.forward).parameters, *names]
    return names, list(names)


def create_feature_extractor(
    model: nn.Module,
    return_nodes: Nodes | None = None,
    train_return_nodes: Nodes | None = None,
    eval_return_nodes: Nodes | None = None,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> FeatureExtractor:
    """A module that returns the outputs of layers inside `model`, by name.

    return_nodes: names of modules or inputs, or {such a name: name in the result}. A module that is
    called several times has the names "relu", "relu_1", "relu_2", ...
    train_return_nodes, eval_return_nodes: both instead of return_nodes, if they differ.

    The result shares the model's parameters and is in its mode. Raises ValueError if the model has
    no such module, or if not exactly one of the two ways to name nodes is used, and
    NotImplementedError for the arguments of torch.fx.

    >>> import minitorch_cnn as mt
    >>> body = create_feature_extractor(mt.models.resnet18(), {"layer1": "a", "layer3": "b"})
    >>> [(name, tuple(y.shape)) for name, y in body(mt.zeros(1, 3, 64, 64)).items()]
    [('a', (1, 64, 16, 16)), ('b', (1, 256, 4, 4))]
    """
    _refuse_fx(tracer_kwargs=tracer_kwargs, concrete_args=concrete_args)
    if (train_return_nodes is None) != (eval_return_nodes is None):
        raise ValueError(
            "If any of `train_return_nodes` and `eval_return_nodes` are specified, then both "
            "should be specified"
        )
    if (return_nodes is None) == (train_return_nodes is None):
        raise ValueError(
            "Either `return_nodes` or `train_return_nodes` and `eval_return_nodes` together, "
            "should be specified"
        )
    if return_nodes is not None:
        train_return_nodes = eval_return_nodes = return_nodes
    return FeatureExtractor(model, as_names(train_return_nodes), as_names(eval_return_nodes))


def _refuse_fx(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(
                f"{name}={value!r}: models are not traced here, so there is nothing to set"
            )


def as_names(nodes: Any) -> dict[str, str]:
    """{name of a module: name in the result}."""
    pairs = nodes.items() if isinstance(nodes, Mapping) else [(name, name) for name in nodes]
    return {str(name): str(result) for name, result in pairs}


class _AllSeen(Exception):
    """Ends a run when every output that was asked for is there."""


class FeatureExtractor(nn.Module):
    """What `create_feature_extractor` makes. Its children are the model's own.

    train_nodes, eval_nodes: {name of a module: name in the result}. Raises ValueError for a module
    that the model does not have; when called, RuntimeError for one that it did not call.

    >>> import minitorch_cnn as mt
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> body = FeatureExtractor(net, {"1": "hidden"}, {"1": "hidden"})
    >>> body(mt.zeros(4, 2))["hidden"].shape
    minitorch_cnn.Size([4, 3])
    """

    model: nn.Module

    def __init__(
        self, model: nn.Module, train_nodes: dict[str, str], eval_nodes: dict[str, str]
    ) -> None:
        super().__init__()
        inputs = inspect.signature(model.forward).parameters
        for name in [*train_nodes, *eval_nodes]:
            if name not in inputs:
                find_call(model, name)
        # Straight into __dict__: the children below are the ones to be registered, so that a state
        # dict has the model's names.
        self.__dict__["model"] = model
        for name, child in model.named_children():
            self.add_module(name, child)
        self.train_nodes = train_nodes
        self.eval_nodes = eval_nodes
        self.train(model.training)

    def train(self, mode: bool = True) -> FeatureExtractor:
        """Sets the mode of the model too, whose forward may ask for it."""
        super().train(mode)
        self.model.train(mode)
        return self

    def forward(self, *args: Any, **kwargs: Any) -> OrderedDict[str, Tensor]:
        """The outputs asked for, in the order in which they were made."""
        wanted = self.train_nodes if self.training else self.eval_nodes
        outputs: OrderedDict[str, Tensor] = OrderedDict()
        handles = []
        given = inspect.signature(self.model.forward).bind(*args, **kwargs).arguments
        for name, result in wanted.items():
            if name in given:
                outputs[result] = given[name]
                continue
            module, number = find_call(self.model, name)
            calls = iter(range(number + 1))

            def look(
                module: nn.Module,
                inputs: Any,
                output: Any,
                calls: Iterator[int] = calls,
                number: int = number,
                key: str = result,
            ) -> None:
                if next(calls, None) == number:
                    outputs[key] = output
                    if len(outputs) == len(wanted):
                        raise _AllSeen

            handles.append(module.register_forward_hook(look))
        if not handles:  # nothing but inputs was asked for
            return outputs
        try:
            self.model(*args, **kwargs)
        except _AllSeen:
            return outputs
        finally:
            for handle in handles:
                handle.remove()
        missing = [name for name, result in wanted.items() if result not in outputs]
        raise RuntimeError(f"the model did not call {missing} in this run")


def find_call(model: nn.Module, name: str) -> tuple[nn.Module, int]:
    """The module with this name, and which of its calls is meant: (relu, 1) for "relu_1".

    Raises ValueError if there is none.

    >>> find_call(nn.Sequential(nn.ReLU()), "0_2")
    (ReLU(), 2)
    """
    modules = dict(model.named_modules())
    if name and name in modules:
        return modules[name], 0
    later = re.fullmatch(r"(.+)_(\d+)", name)
    if later and later[1] in modules:
        return modules[later[1]], int(later[2])
    raise ValueError(
        f"node: '{name}' is not present in model. Inputs and modules have names here; "
        "`get_graph_node_names` lists them"
    )
