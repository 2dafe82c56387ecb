"""Half precision gives the same answer to 0.2 px, where it is used, and is used where it pays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_graphs import memory_of, picture, run

from engine.network.half_graph import halved

AGREE_PX = 0.2


@pytest.mark.parametrize("name", ["nano", "base", "paper"])
def test_half_precision_agrees(name: str, exported: dict[str, dict[str, Path]]) -> None:
    paths = exported[name]
    inputs = {"image": picture()}
    for kind in ("cold", "warm"):
        single = run(paths[kind], inputs)
        model = halved(onnx.load(paths[kind]))
        half = run(model, inputs)
        inputs |= memory_of(single)
        assert {v.name: v.type for v in model.graph.input} == {
            v.name: v.type for v in onnx.load(paths[kind]).graph.input
        }
        for key, value in single.items():
            assert half[key].dtype == value.dtype == np.float32
        assert np.abs(half["points"] - single["points"]).max() < AGREE_PX
        assert np.abs(half["sigma"] - single["sigma"]).max() < AGREE_PX
        assert not np.array_equal(half["points"], single["points"])  # something was halved
        types = {t.name: t.data_type for t in model.graph.initializer}
        weights = [node.input[1] for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
        assert len(weights) > 20
        assert {types.get(w, TensorProto.FLOAT16) for w in weights} == {TensorProto.FLOAT16}
        assert set(types) <= {name for node in model.graph.node for name in node.input}


def model_of(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, [2, 3])],
        [value("y", TensorProto.FLOAT, [2, 2])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def product_type(model: onnx.ModelProto) -> int:
    """Return the type in which the first MatMul of a halved graph computes."""
    inferred = onnx.shape_inference.infer_shapes(halved(model), strict_mode=True).graph
    known = {v.name: v.type.tensor_type.elem_type for v in (*inferred.value_info, *inferred.output)}
    node = next(node for node in inferred.node if node.op_type == "MatMul")
    return known[node.output[0]]


@pytest.mark.parametrize(("largest", "expected"), [
    (60_000.0, TensorProto.FLOAT16), (70_000.0, TensorProto.FLOAT),
])  # fmt: skip
def test_parameters_that_overflow_stay_in_single(largest: float, expected: int) -> None:
    weights = np.full((3, 2), largest, np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "m")]
    assert product_type(model_of(nodes, {"w": weights})) == expected


def test_a_product_of_two_single_tensors_stays_in_single() -> None:
    """The expected position is one: a softmax over the image times the places of its cells."""
    nodes = [
        helper.make_node("Softmax", ["x"], ["s"], "s"),
        helper.make_node("Exp", ["w"], ["e"], "e"),
        helper.make_node("MatMul", ["s", "e"], ["y"], "m"),
    ]
    assert product_type(model_of(nodes, {"w": np.ones((3, 2), np.float32)})) == TensorProto.FLOAT


def test_what_follows_is_cast_back_once() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], "m"),
        helper.make_node("Relu", ["a"], ["b"], "r"),
        helper.make_node("Exp", ["b"], ["c"], "e"),
        helper.make_node("Log", ["b"], ["d"], "l"),
        helper.make_node("Add", ["c", "d"], ["y"], "p"),
    ]
    model = halved(model_of(nodes, {"w": np.full((3, 2), 0.5, np.float32)}))
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["Cast", "MatMul", "Relu", "Cast", "Exp", "Log", "Add"]
    x = np.array([[1, 2, 3], [0, 1, 1]], np.float32)
    expected = np.repeat(np.exp([[3.0], [1.0]]) + np.log([[3.0], [1.0]]), 2, axis=1)
    np.testing.assert_allclose(run(model, {"x": x})["y"], expected, rtol=1e-3)
