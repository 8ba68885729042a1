"""Domains: clusters of prompt embeddings, and the coarser regions that they lie in.

Found by k-means on the training prompts; a center is the mean direction of its prompts. Everything runs in one
thread, so that the same input gives the same bytes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pointsman.routing.refinement import memberships
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits

Floats32 = NDArray[np.float32]
# How sharply a prompt belongs to its nearest domain: of 10, 20 and 40, 20 predicted best out of fold.
SHARPNESS = 20.0
# Domains, areas and regions: each is a third to a quarter of the number below it.
AREAS, REGIONS = 64, 16
BATCH, ITERATIONS = 4096, 30


@dataclass(frozen=True)
class Domains:
    """K domains; `area` and `region` say which larger cluster each lies in."""

    centers: Floats32  # [K, d], unit length
    area: NDArray[np.intp]  # [K]
    region: NDArray[np.intp]  # [K]

    def memberships(self, vectors: Floats32) -> NDArray[np.float64]:
        """[n, K], rows that sum to 1."""
        return memberships(vectors, self.centers, SHARPNESS)


def find_domains(vectors: Floats32, count: int, seed: int) -> Domains:
    """At most `count` domains of embeddings float32 [n, d]; fewer where there are few prompts."""
    count = max(1, min(count, len(vectors) // 8))
    with threadpool_limits(1):
        found = MiniBatchKMeans(count, n_init=1, random_state=seed, batch_size=BATCH, max_iter=ITERATIONS).fit(vectors)
        centers = _unit(found.cluster_centers_)
        area = _grouped(centers, min(AREAS, count), seed)
        region = _grouped(centers, min(REGIONS, count), seed)
    return Domains(centers, area, region)


def _grouped(centers: Floats32, count: int, seed: int) -> NDArray[np.intp]:
    labels: NDArray[np.intp] = KMeans(count, n_init=4, random_state=seed).fit(centers).labels_.astype(np.intp)
    return labels


def _unit(centers: NDArray[np.floating]) -> Floats32:
    lengths = np.linalg.norm(centers, axis=1, keepdims=True)
    unit: Floats32 = (centers / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
