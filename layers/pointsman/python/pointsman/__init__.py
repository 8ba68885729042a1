"""Pointsman answers one question: which model should serve this prompt?

from pointsman import Router

decision = Router.load().decide("What is 1+1?", config="auto")
print(decision.selected, decision.expected_quality, decision.cost)
"""

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
