"""Exporting embedders to ONNX, with a tokenizer and settings beside them."""
