"""Qwen3-architecture embedders, from a checkpoint folder to one ONNX graph, exact or quantized.

hub.py          a checkpoint by its hub id
checkpoint.py   config.json and safetensors: what is refused, and one layer at a time in float32
tokenizer.py    the checkpoint's tokenizer, which must end every text with the end token
rotate.py       the same network with other numbers, easier to quantize
precision.py    how a matrix or the table is kept: float32, blocks of 8 or 4 bits, 8 bits a token
settings.py     the named quantizations
graph.py        the network in onnxruntime's fused operators
calibrate.py    which matrices suffer from few bits on real prompts, and are kept in more
export.py       all of it, to a folder that `pointsman.embedders.OnnxEmbedder` loads
check.py        an exported folder beside the exact network
"""
