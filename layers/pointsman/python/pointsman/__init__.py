"""Pointsman answers one question: which model should serve this prompt?

from pointsman import Router

decision = Router.load().decide("What is 1+1?", config="auto")
print(decision.selected, decision.expected_quality, decision.cost)

A name is imported when it is first used: who reads the history or the registry never loads numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pointsman.decision import Candidate, Decision
    from pointsman.errors import PointsmanError
    from pointsman.registry import Model, Registry, RouterConfig, load_registry
    from pointsman.router import Router

__version__ = "0.1.0"

__all__ = [
    "Candidate",
    "Decision",
    "Model",
    "PointsmanError",
    "Registry",
    "Router",
    "RouterConfig",
    "__version__",
    "load_registry",
]

_HOMES = {
    "Candidate": "decision",
    "Decision": "decision",
    "Model": "registry",
    "PointsmanError": "errors",
    "Registry": "registry",
    "Router": "router",
    "RouterConfig": "registry",
    "load_registry": "registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
