"""What `export --quantize` sets by each of its names, and what is recorded of it in the artifact."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from artifacts_build.embedders.qwen3.precision import Precision, TableBits


@dataclass(frozen=True)
class Quantization:
    """How a network is kept; `raised` has the matrices, by name, that are kept otherwise than the others."""

    name: str
    precision: Precision
    rotate: bool
    table_bits: TableBits
    raised: Mapping[str, Precision] = field(default_factory=dict)

    def of(self, matrix: str) -> Precision:
        """How a matrix is kept, by its `graph.matrix_name`."""
        return self.raised.get(matrix, self.precision)


QUANTIZATIONS = {
    kept.name: kept
    for kept in (
        Quantization("none", "float32", rotate=False, table_bits=32),
        Quantization("int8", "blocks8", rotate=True, table_bits=8),
        Quantization("int8-wide", "wide8", rotate=True, table_bits=8),
        Quantization("fast", "uint8", rotate=True, table_bits=8),
        Quantization("int4", "blocks4", rotate=True, table_bits=4),
    )
}


def recorded(kept: Quantization) -> dict[str, str]:
    """The settings as `embedder.json` has them."""
    raised = ", ".join(f"{matrix}={precision}" for matrix, precision in sorted(kept.raised.items()))
    return {
        "quantization": kept.name,
        "matrices": kept.precision,
        "rotated": "yes" if kept.rotate else "no",
        "table_bits": str(kept.table_bits),
        **({"raised": raised} if raised else {}),
    }
