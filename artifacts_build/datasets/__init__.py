"""Datasets of outcomes: which models completed which prompts.

    parse_dataset("kind:path") ─┐
    read_profiles(registry, csv) ┴─ load_datasets ─ Outcomes

One file a kind; each is read in one pass, refuses what cannot be with the file and the line, and counts what it
passes over. Agent systems and models without published scores inform difficulty only: their capability is NaN.
"""

from artifacts_build.datasets.join import load_datasets, load_outcomes
from artifacts_build.datasets.outcomes import Outcomes
from artifacts_build.datasets.published_scores import DISTRUSTED_SCORES, SYSTEM_PREFIX, Profile, Profiles, read_profiles
from artifacts_build.datasets.spec import KINDS, DatasetSpec, parse_dataset
from artifacts_build.datasets.splits import folds, held_out, stem_of

__all__ = [
    "DISTRUSTED_SCORES",
    "KINDS",
    "SYSTEM_PREFIX",
    "DatasetSpec",
    "Outcomes",
    "Profile",
    "Profiles",
    "folds",
    "held_out",
    "load_datasets",
    "load_outcomes",
    "parse_dataset",
    "read_profiles",
    "stem_of",
]
