"""A network as the graph that TensorBoard draws: its operations, each in the module it runs in."""

from __future__ import annotations

from typing import Any

from ...nn import Module


def graph_of(model: Module, inputs: Any) -> Any:
    """The GraphDef of what the model does with these inputs: a tensor, or a tuple of them.

    Names nest as modules do, "LeNet5/Sequential[features]/Conv2d[0]/Conv2d"; there is a node for
    each operation, for each parameter and buffer that is used, and for the inputs and outputs. The
    model runs once, in evaluation mode.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.versions_pb2 import VersionDef

    from ...onnx.trace import Trace, Value, trace, value_of

    given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    result = Trace()
    scopes: list[str] = []  # of each call
    stack: list[str] = []

    def note() -> None:
        scopes.extend(["/".join(stack)] * (len(result.calls) - len(scopes)))

    def enter(label: str) -> Any:
        def hook(module: Module, args: tuple) -> None:
            note()
            stack.append(label)

        return hook

    def leave(module: Module, args: tuple, output: Any) -> None:
        note()
        stack.pop()

    handles = []
    scope_of: dict[str, str] = {}
    for name, module in model.named_modules():
        above, _, own = name.rpartition(".")
        kind = type(module).__name__
        label = f"{kind}[{own}]" if name else kind
        scope_of[name] = f"{scope_of[above]}/{label}" if name else label
        handles += [
            module.register_forward_pre_hook(enter(label)),
            module.register_forward_hook(leave),
        ]
    try:
        trace(model, given, result)
    finally:
        for handle in handles:
            handle.remove()
    note()

    graph = _Graph()
    for number, value in enumerate(result.inputs):
        graph.add(f"input/input.{number}", "IO Node", [], value)
    kept = {}
    for what, every in (("Parameter", model.named_parameters()), ("Buffer", model.named_buffers())):
        for name, tensor in every:
            place, _, own = name.rpartition(".")
            kept[value_of(tensor).key] = (f"{scope_of[place]}/{own}", what, tensor)
    for call, scope in zip(result.calls, scopes, strict=True):
        sources = [arg for arg in call.args if isinstance(arg, Value)]
        for value in sources:
            if value.key in kept and value.key not in graph.names:
                name, what, _ = kept[value.key]
                graph.add(name, what, [], value)
        title = call.name.removesuffix("Function").rpartition(".")[2]
        graph.add(f"{scope}/{title}".lstrip("/"), title, sources, *call.outputs)
    for number, value in enumerate(result.outputs):
        graph.add(f"output/output.{number}", "IO Node", [value], None)
    return GraphDef(node=graph.nodes, versions=VersionDef(producer=22))


class _Graph:
    """Nodes with names that differ, and which of them made a value."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.names: dict[tuple, str] = {}  # a value's key -> the node that made it
        self.taken: dict[str, int] = {}

    def add(self, name: str, kind: str, sources: list, *outputs: Any) -> None:
        from tensorboard.compat.proto.attr_value_pb2 import AttrValue
        from tensorboard.compat.proto.node_def_pb2 import NodeDef
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        count = self.taken[name] = self.taken.get(name, -1) + 1
        name = f"{name}_{count}" if count else name
        made = [value for value in outputs if value is not None]
        shapes = [
            TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in value.array.shape])
            for value in made
        ]
        attributes = {"_output_shapes": AttrValue(list=AttrValue.ListValue(shape=shapes))}
        known = [self.names[value.key] for value in sources if value.key in self.names]
        self.nodes.append(NodeDef(name=name, op=kind, input=known, attr=attributes))
        self.names.update({value.key: name for value in made})
