"""Qwen3-architecture embedders, from a checkpoint folder to one ONNX graph, exact or quantized.

checkpoint.py   config.json and safetensors: what is refused, and one layer at a time in float32
rotate.py       the same network with other numbers, easier to quantize: rotated and smoothed
precision.py    how a matrix or the table is kept: float32, blocks of 8 or 4 bits, dynamic 8 bits
graph.py        the network in onnxruntime's fused operators
calibrate.py    what flows through it on real prompts, and which matrices suffer from few bits
tokenizer.py    the checkpoint's tokenizer, with the end token
export.py       all of it, to a folder that `pointsman.embedders.OnnxEmbedder` loads
check.py        an exported folder beside the exact network: cosine, speed, memory
"""
