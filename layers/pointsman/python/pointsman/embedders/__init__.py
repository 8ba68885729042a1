"""Embedders: text to a vector. One seam, one real implementation (ONNX)."""

from pointsman.embedders.base import Embedder
from pointsman.embedders.onnx import OnnxEmbedder

__all__ = ["Embedder", "OnnxEmbedder"]
