"""The same network with other numbers, whose activations are easier to keep in 8 bits.

Trained networks have a few channels that are tens of times larger than the others; one scale for all of them
leaves the rest few steps. Rotating the residual stream by a Hadamard matrix spreads each channel over all of
them, and so does rotating the values inside each head (Ashkboos et al., "QuaRot: outlier-free 4-bit inference in
rotated LLMs", 2024). Normalization commutes with a rotation once its gain is moved into the matrices that
follow, so all of it is folded into the weights: the network computes the same vectors with the same operators,
but for one small matrix that turns the pooled vector back.

What cannot be rotated without work at run time is the gated product in the MLP: its largest values are what one
scale a token has to bear. Sums and sign changes alone: the same weights give the same bytes on every machine.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artifacts_build.embedders.qwen3.checkpoint import Checkpoint, Layer, Shape

Floats32 = NDArray[np.float32]
SEED = b"pointsman rotation 1"


def _signs(size: int) -> Floats32:
    """+1 or -1, from a hash: the same in every version of every library."""
    digest = np.frombuffer(hashlib.shake_256(SEED).digest(-(-size // 8)), np.uint8)
    return np.unpackbits(digest)[:size].astype(np.float32) * 2 - 1


def rotated(x: Floats32) -> Floats32:
    """x @ Q for the last axis: Q is orthogonal, a Hadamard matrix with random signs.

    Where the axis is no power of two, Q is made of blocks of the largest power of two that divides it.
    """
    size = x.shape[-1]
    block = size & -size
    y = (x * _signs(size)).reshape(*x.shape[:-1], size // block, block)
    step = 1
    while step < block:
        pairs = y.reshape(*y.shape[:-1], block // (2 * step), 2, step)
        y = np.stack([pairs[..., 0, :] + pairs[..., 1, :], pairs[..., 0, :] - pairs[..., 1, :]], axis=-2)
        y = y.reshape(*x.shape[:-1], size // block, block)
        step *= 2
    result: Floats32 = (y * np.float32(block**-0.5)).reshape(x.shape)
    return result


@dataclass(frozen=True)
class Rotated:
    """A checkpoint, rotated: it computes the same vectors."""

    checkpoint: Checkpoint

    @property
    def shape(self) -> Shape:
        return self.checkpoint.shape

    def table_rows(self, start: int, stop: int) -> Floats32:
        return rotated(self.checkpoint.table_rows(start, stop))

    def layer(self, index: int) -> Layer:
        layer = self.checkpoint.layer(index)
        hidden = np.ones_like(layer.input_norm)
        return Layer(
            input_norm=hidden,
            post_norm=hidden,
            q_norm=layer.q_norm,
            k_norm=layer.k_norm,
            q=rotated(layer.q * layer.input_norm),
            k=rotated(layer.k * layer.input_norm),
            v=self._heads(rotated(layer.v * layer.input_norm).T).T,
            o=rotated(self._heads(layer.o).T).T,
            gate=rotated(layer.gate * layer.post_norm),
            up=rotated(layer.up * layer.post_norm),
            down=rotated(layer.down.T).T,
        )

    def final_norm(self) -> Floats32:
        return np.ones(self.shape.hidden, np.float32)

    def output(self) -> Floats32:
        """Turns the pooled vector back and applies the last gain: Q' diag(gain)."""
        turn_back: Floats32 = rotated(np.eye(self.shape.hidden, dtype=np.float32)).T * self.checkpoint.final_norm()
        return turn_back

    def _heads(self, x: Floats32) -> Floats32:
        """The last axis, which is heads after one another, rotated inside each head."""
        return rotated(x.reshape(*x.shape[:-1], -1, self.shape.head)).reshape(x.shape)
