"""Work on ONNX files, in the virtual environment: `python -P networks.py NAME < arguments.json`."""

import csv
import hashlib
import json
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def read_safetensors(path):
    """The header, and the tensors as arrays."""
    types = {"F32": np.float32, "I32": np.int32, "I64": np.int64}
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[start:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def digits(a):
    """The committed digits network as ONNX, with grey levels of 0 to 1, and inputs spread over all images."""
    trained, bundle = read_safetensors(a["network"]), read_safetensors(a["bundle"])
    grey_levels = 16.0
    tensors = {
        "weight0": trained["layer0.weight"] * np.float32(grey_levels),
        "bias0": trained["layer0.bias"],
        "weight1": trained["layer1.weight"],
        "bias1": trained["layer1.bias"],
    }
    nodes = [
        helper.make_node("Gemm", ["x", "weight0", "bias0"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "weight1", "bias1"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, a["onnx"])
    with open(a["images"]) as file:
        images = [[int(value) for value in row[:64]] for row in csv.reader(file)]
    chosen = images[:: max(1, len(images) // a["samples"])][: a["samples"]]
    with open(a["inputs"], "w") as file:
        json.dump({"samples": [[value / grey_levels for value in image] for image in chosen]}, file)
    # The bundle's biases are the trained ones in units of the output's scale, rounded.
    integer, real = bundle["node2.bias"].astype(np.float64), trained["layer1.bias"].astype(np.float64)
    largest = int(np.argmax(np.abs(integer)))
    output_scale = float(real[largest] / integer[largest])
    with open(a["scales"], "w") as file:
        json.dump({"input_scale": 1 / grey_levels, "output_scale": output_scale}, file)


def describe(a):
    """Digest, parameters, and the float network's outputs."""
    model = onnx.load(a["onnx"])
    floats = [tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT]
    names = {tensor.name for tensor in model.graph.initializer}
    (given,) = [value for value in model.graph.input if value.name not in names]
    dimensions = given.type.tensor_type.shape.dim
    # A batch dimension without a size is a batch of one.
    shape = [dimension.dim_value or 1 for dimension in dimensions]
    evaluator = ReferenceEvaluator(model)
    outputs = []
    for sample in a["samples"]:
        if len(sample) != int(np.prod(shape)):
            raise ValueError(f"input: expected {int(np.prod(shape))} numbers for shape {shape}, got {len(sample)}")
        result = evaluator.run(None, {given.name: np.array(sample, np.float32).reshape(shape)})
        outputs.append([float(value) for array in result for value in np.asarray(array).ravel()])
    with open(a["onnx"], "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    parameters = sum(int(np.prod(tensor.dims)) for tensor in floats)
    with open(a["answer"], "w") as file:
        json.dump({"digest": f"0x{digest}", "parameters": parameters, "outputs": outputs}, file)


if __name__ == "__main__":
    {"digits": digits, "describe": describe}[sys.argv[1]](json.load(sys.stdin))
