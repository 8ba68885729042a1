"""Centers of prompt embeddings: the domains of abilities, and the landmarks of difficulty.

Found by k-means on the training prompts; a center is the mean direction of its prompts. A source counts by the root of
its size, so that a few hundred agent tasks have domains of their own beside ten thousand exam questions. Everything
runs in one thread, so that the same input gives the same bytes.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

Floats32 = NDArray[np.float32]
# How sharply a prompt belongs to its nearest domain: of 10, 20 and 40, 20 predicted best out of fold.
SHARPNESS = 20.0
BATCH, ITERATIONS = 4096, 30
DRAWN = 20_000


def find_centers(vectors: Floats32, source: NDArray[np.intp], count: int, seed: int) -> Floats32:
    """At most `count` centers [k, d], of unit length, of embeddings float32 [n, d]; fewer of few prompts."""
    count = max(1, min(count, len(vectors) // 8))
    share = np.bincount(source)[source] ** -0.5
    drawn = np.random.default_rng(seed).choice(
        len(vectors), min(len(vectors), DRAWN), replace=False, p=share / share.sum()
    )
    with threadpool_limits(1):
        found = MiniBatchKMeans(count, n_init=1, random_state=seed, batch_size=BATCH, max_iter=ITERATIONS)
        centers = found.fit(vectors[np.sort(drawn)]).cluster_centers_
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    unit: Floats32 = (centers / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
