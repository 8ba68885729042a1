"""The registry: which models there are, what is known of them, and the configs that choose among them."""

from pointsman.registry.load import compiled, load_registry
from pointsman.registry.schema import Model, PriceWindow, Registry, RouterConfig

__all__ = ["Model", "PriceWindow", "Registry", "RouterConfig", "compiled", "load_registry"]
