"""The registry: the models, what is known of them at each effort, and the configs that choose among them."""

from pointsman.registry.candidate import ModelAtEffort
from pointsman.registry.capability import CAPABILITY_BENCHMARKS, capability_of
from pointsman.registry.catalogue import Registry
from pointsman.registry.config import RouterConfig
from pointsman.registry.fields import WORK, Work
from pointsman.registry.load import compiled, load_registry
from pointsman.registry.model import Model
from pointsman.registry.prices import PriceList, PriceWindow, Rates

__all__ = [
    "CAPABILITY_BENCHMARKS",
    "WORK",
    "Model",
    "ModelAtEffort",
    "PriceList",
    "PriceWindow",
    "Rates",
    "Registry",
    "RouterConfig",
    "Work",
    "capability_of",
    "compiled",
    "load_registry",
]
