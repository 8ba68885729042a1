"""A small writer of ONNX graphs: nodes and constants by hand-given names, so the same arrays give the same bytes.

Large constants may go to a file beside the graph as they are made: an embedder of gigabytes is written with
one tensor in memory at a time, and is mapped from that file when it is loaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 10
MICROSOFT = "com.microsoft"
# A constant of fewer bytes stays in the graph: shapes and scalars must be known when it is loaded.
INLINE_BYTES = 1024
# Tensors start on pages, so that they can be mapped.
PAGE = 4096


class Graph:
    """Collects nodes and constants; `data` is an open file for the large ones, which `data_name` names."""

    def __init__(self, data: IO[bytes] | None = None, data_name: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._data = data
        self._data_name = data_name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Adds a constant and returns its name."""
        value = np.ascontiguousarray(value)
        if self._data is None or value.nbytes < INLINE_BYTES:
            self.initializers.append(numpy_helper.from_array(value, name))
        else:
            self.initializers.append(self._outside(self._data, name, value))
        return name

    def _outside(self, data: IO[bytes], name: str, value: NDArray[Any]) -> TensorProto:
        data.write(b"\0" * (-data.tell() % PAGE))
        tensor = TensorProto(
            name=name,
            dims=value.shape,
            data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
            data_location=TensorProto.EXTERNAL,
        )
        place = {"location": self._data_name, "offset": data.tell(), "length": value.nbytes}
        for key, entry in place.items():
            tensor.external_data.add(key=key, value=str(entry))
        data.write(value.data)
        return tensor

    def integers(self, name: str, *values: int) -> str:
        """Adds a list of int64, such as axes or a shape."""
        return self.constant(name, np.array(values, np.int64))

    def add(self, op: str, name: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node with one output, which has the node's name."""
        return self.add_many(op, [name], *inputs, domain=domain, **attributes)[0]

    def add_many(self, op: str, outputs: Sequence[str], *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        """Adds a node with several outputs; "" is one that nobody reads."""
        name = next(output for output in outputs if output)
        self.nodes.append(helper.make_node(op, list(inputs), list(outputs), name=name, domain=domain, **attributes))
        return list(outputs)

    def embedder(self, name: str, dimensions: int) -> onnx.ModelProto:
        """The model: `input_ids`, `attention_mask` int64 [batch, sequence] -> `embedding` float32 [batch, n]."""
        inputs = [
            helper.make_tensor_value_info(tensor, TensorProto.INT64, ["batch", "sequence"])
            for tensor in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", dimensions])
        graph = helper.make_graph(self.nodes, name, inputs, [output], self.initializers)
        opsets = [helper.make_opsetid("", OPSET)]
        if any(node.domain == MICROSOFT for node in self.nodes):
            opsets.append(helper.make_opsetid(MICROSOFT, 1))
        return helper.make_model(graph, producer_name="pointsman", opset_imports=opsets, ir_version=IR_VERSION)


def tensor_array(tensor: TensorProto, folder: Path) -> NDArray[Any]:
    """The numbers of a constant, mapped from its file where it is kept outside the graph in `folder`."""
    if tensor.data_location != TensorProto.EXTERNAL:
        return numpy_helper.to_array(tensor)
    place = {entry.key: entry.value for entry in tensor.external_data}
    return np.memmap(
        folder / place["location"],
        dtype=helper.tensor_dtype_to_np_dtype(tensor.data_type),
        mode="r",
        offset=int(place["offset"]),
        shape=tuple(tensor.dims),
    )
