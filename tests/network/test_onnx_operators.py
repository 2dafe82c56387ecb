"""Every operator of every graph is one that TensorRT runs without a plugin, used as it allows.

The table holds what is needed of "Supported ONNX Operators" of TensorRT 10.15 (onnx-tensorrt,
docs/operators.md): opsets 9 to 24; 8-bit unsigned values only as inputs and outputs of the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from engine.network import weights
from engine.network.half_graph import halved

OPSETS = range(9, 25)
T = TensorProto
FLOATS = {T.FLOAT, T.FLOAT16}
NUMBERS = FLOATS | {T.INT32, T.INT64}
ALL = NUMBERS | {T.BOOL}
TYPES: dict[str, set[int]] = {
    **dict.fromkeys((
        "AveragePool", "Clip", "Conv", "Erf", "Exp", "Gemm", "GridSample", "HardSigmoid",
        "HardSwish", "LayerNormalization", "Log", "MatMul", "Reciprocal", "Resize", "Sigmoid",
        "Softmax", "Sqrt", "Tanh",
    ), FLOATS),
    **dict.fromkeys(("Abs", "Add", "Div", "Equal", "Max", "Mod", "Mul", "Neg", "Pow", "ReduceMean",
                    "ReduceSum", "Relu", "Sub"), NUMBERS),
    **dict.fromkeys((
        "Concat", "Constant", "ConstantOfShape", "Expand", "Flatten", "Gather", "Identity",
        "Reshape", "Shape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze", "Where",
    ), ALL),
    "Cast": ALL | {T.UINT8},
}  # fmt: skip
RESIZE = {
    "mode": {"nearest", "linear"},
    "coordinate_transformation_mode": {
        "half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners",
    },
    "nearest_mode": {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"},
}  # fmt: skip
# GridSample says only that the input must be 4-D; its layer knows these (IGridSampleLayer).
GRID_SAMPLE = {
    "mode": {"bilinear", "linear", "nearest", "bicubic", "cubic"},
    "padding_mode": {"zeros", "border", "reflection"},
}


def problems(model: ModelProto) -> list[str]:
    """Return one line for every use of an operator that the table does not allow."""
    lines = [
        f"opset {opset.version} of {opset.domain!r}"
        for opset in model.opset_import
        if opset.domain or opset.version not in OPSETS
    ]
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    tensors = {v.name: v.type.tensor_type for v in (*graph.value_info, *graph.input, *graph.output)}
    types = {name: tensor.elem_type for name, tensor in tensors.items()}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    for node in graph.node:
        # Equal gives truth values, and Resize is told sizes; elsewhere every tensor is judged.
        judged = [*node.input, *(node.output if node.op_type != "Equal" else ())]
        judged = judged[:1] if node.op_type == "Resize" else judged
        given = {types[name] for name in judged if types.get(name)}
        if node.op_type not in TYPES:
            lines.append(f"{node.name}: {node.op_type} is not in the table")
        elif odd := given - TYPES[node.op_type]:
            lines.append(f"{node.name}: {node.op_type} of {[T.DataType.Name(t) for t in odd]}")
        rank = len(tensors[node.input[0]].shape.dim) if _has_shape(tensors, node) else None
        lines += [f"{node.name}: {line}" for line in _misuse(node, rank)]
    return lines


def _has_shape(tensors: dict[str, Any], node: NodeProto) -> bool:
    first = node.input[0] if node.input else None
    return first in tensors and tensors[first].HasField("shape")


def _misuse(node: NodeProto, rank: int | None) -> list[str]:
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    texts = {k: v.decode() for k, v in values.items() if isinstance(v, bytes)}
    allowed = {"Resize": RESIZE, "GridSample": GRID_SAMPLE}.get(node.op_type, {})
    lines = [f"{key} {texts[key]}" for key in allowed if texts.get(key, "") not in allowed[key]
             and key in texts]  # fmt: skip
    match node.op_type:
        case "GridSample" if rank != 4:
            lines.append(f"GridSample of rank {rank}")
        case "AveragePool" if rank not in (4, 5) or set(values.get("dilations", [1])) != {1}:
            lines.append("AveragePool other than 2-D or 3-D, or dilated")
        case "LayerNormalization" if len([name for name in node.output if name]) > 1:
            lines.append("more than the first output of LayerNormalization")
        case "Resize" if values.get("antialias", 0):
            lines.append("antialiased Resize")
        case "Constant" if not set(values) <= {"value", "value_float", "value_int"}:
            lines.append(f"Constant of {sorted(values)}")
        case "ReduceMean" if len(node.input) > 1:
            lines.append("axes that are no attribute")
        case _:
            pass
    return lines


@pytest.mark.parametrize("kind", ["cold", "warm"])
@pytest.mark.parametrize("name", ["nano", "base", "paper"])
def test_exported_graphs_keep_to_the_table(
    name: str, kind: str, exported: dict[str, dict[str, Path]]
) -> None:
    model = onnx.load(exported[name][kind])
    assert problems(model) == []
    assert sum(node.op_type == "GridSample" for node in model.graph.node) >= 3
    assert problems(halved(model)) == []


@pytest.mark.parametrize("path", sorted(weights.WEIGHTS.glob("*/*.onnx")), ids=lambda p: p.name)
def test_shipped_graphs_keep_to_the_table(path: Path) -> None:
    assert problems(onnx.load(path)) == []


def graph_of(nodes: list[NodeProto], kind: int, shape: list[int]) -> ModelProto:
    value = helper.make_tensor_value_info("x", kind, shape)
    graph = helper.make_graph(nodes, "g", [value], [helper.make_empty_tensor_value_info("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("node", "kind", "shape", "expected"), [
    (helper.make_node("Transpose", ["x"], ["y"], "t"), T.UINT8, [2, 3], "Transpose of ['UINT8']"),
    (helper.make_node("NonZero", ["x"], ["y"], "n"), T.FLOAT, [2], "NonZero is not in the table"),
    (helper.make_node("Resize", ["x", "", "x"], ["y"], "r", mode="cubic"), T.FLOAT, [4],
     "mode cubic"),
    (helper.make_node("GridSample", ["x", "x"], ["y"], "g"), T.FLOAT, [1, 1, 2, 2, 3],
     "GridSample of rank 5"),
    (helper.make_node("AveragePool", ["x"], ["y"], "a", kernel_shape=[2]), T.FLOAT, [1, 1, 4],
     "AveragePool other than"),
    (helper.make_node("Exp", ["x"], ["y"], "e"), T.DOUBLE, [2], "Exp of ['DOUBLE']"),
])  # fmt: skip
def test_what_is_not_allowed_is_found(
    node: NodeProto, kind: int, shape: list[int], expected: str
) -> None:
    (line,) = problems(graph_of([node], kind, shape))
    assert expected in line
