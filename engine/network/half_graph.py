"""A graph in half precision: what runtimes need that obey a graph's types, as TensorRT does.

Convolutions and matrix products compute in float16, and so does what only passes their results on.
Positions reach 512 px, more than float16 resolves: whatever touches them stays in float32, and
inputs and outputs keep their types.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

_PRODUCTS = {"Conv", "Gemm", "MatMul"}
_FOLLOWERS = {
    "Add", "AveragePool", "Concat", "Div", "Erf", "Expand", "Gather", "HardSigmoid", "HardSwish",
    "Identity", "LayerNormalization", "Mul", "ReduceMean", "Relu", "Reshape", "Resize", "Sigmoid",
    "Slice", "Split", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze",
}  # fmt: skip
# The softmax over the whole image gives positions; the one of attention gives features.
_ENCODER, _FOLLOWERS_IN_ENCODER = "/aligner/encoder/", {"Softmax"}
_LARGEST = float(np.finfo(np.float16).max)


def halved(model: ModelProto) -> ModelProto:
    """Return the same network with its products in float16.

    model  in float32, inputs and outputs included
    """
    return _Halving(onnx.shape_inference.infer_shapes(model)).run()


class _Halving:
    """One pass over the nodes in their order, which is that of the computation."""

    def __init__(self, model: ModelProto) -> None:
        self.model, graph = model, model.graph
        self.constants = dict(_constants(graph))
        known = [*graph.value_info, *graph.input, *graph.output]
        self.single = {v.name for v in known if v.type.tensor_type.elem_type == TensorProto.FLOAT}
        self.single |= {name for name, value in self.constants.items() if value.dtype == np.float32}
        self.half: set[str] = set()  # tensors that have become float16
        self.nodes: list[NodeProto] = []
        self.added: list[TensorProto] = []
        self.cast: dict[str, str] = {}  # from a tensor to its counterpart in the other precision

    def run(self) -> ModelProto:
        outputs = {value.name for value in self.model.graph.output}
        for node in self.model.graph.node:
            halve = self._can_be_half(node)
            node.input[:] = [
                self._as(name, halve and not (node.op_type == "Resize" and place))
                for place, name in enumerate(node.input)
            ]
            self.nodes.append(node)
            if halve:
                self._mark_outputs(node, outputs)
        graph = self.model.graph
        del graph.node[:], graph.value_info[:]
        graph.node.extend(self.nodes)
        read = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in [*graph.initializer, *self.added] if tensor.name in read]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        onnx.checker.check_model(self.model)
        return self.model

    def _can_be_half(self, node: NodeProto) -> bool:
        floats = [name for name in node.input if name in self.single or name in self.half]
        constants = [self.constants[name] for name in floats if name in self.constants]
        if any(np.abs(value).max(initial=0.0) > _LARGEST for value in constants):
            return False
        if node.op_type in _PRODUCTS and constants:
            return True  # a product with parameters; one of two computed tensors follows them
        follows = node.op_type in _FOLLOWERS | _PRODUCTS or (
            node.op_type in _FOLLOWERS_IN_ENCODER and node.name.startswith(_ENCODER)
        )
        computed = [name for name in floats if name not in self.constants]
        return follows and bool(computed) and all(name in self.half for name in computed)

    def _mark_outputs(self, node: NodeProto, outputs: set[str]) -> None:
        for place, name in enumerate(node.output):
            if name in outputs:
                node.output[place] = self.cast[name] = f"{name}_half"
                self._cast(self.cast[name], name, TensorProto.FLOAT)
            elif name in self.single:
                self.single.discard(name)
                self.half.add(name)

    def _as(self, name: str, half: bool) -> str:
        """Return the tensor in the precision wanted, casting it once if it has the other."""
        if name not in (self.single if half else self.half):
            return name
        if name not in self.cast:
            self.cast[name] = f"{name}_{'half' if half else 'single'}"
            if half and name in self.constants:
                value = self.constants[name].astype(np.float16)
                self.added.append(numpy_helper.from_array(value, self.cast[name]))
            else:
                to = TensorProto.FLOAT16 if half else TensorProto.FLOAT
                self._cast(name, self.cast[name], to)
        return self.cast[name]

    def _cast(self, source: str, out: str, to: int) -> None:
        self.nodes.append(helper.make_node("Cast", [source], [out], f"{out}_cast", to=to))


def _constants(graph: GraphProto) -> Iterator[tuple[str, NDArray]]:
    for tensor in graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            yield node.output[0], numpy_helper.to_array(node.attribute[0].t)
