"""A finding: a value that a file may hold and that is hardly what was meant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pointsman.errors import Fault
from pointsman.registry.catalogue import Registry
from pointsman.registry.config import RouterConfig
from pointsman.registry.model import Model
from pointsman.registry.packages import Packages
from pointsman.registry.yaml_files import YamlFile

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """What is implausible, and how sure it is: an error cannot be right, a warning may be."""

    severity: Severity
    fault: Fault


@dataclass(frozen=True)
class World:
    """What files are held against: the day, every model that could be read, and the price packages."""

    today: date
    models: Mapping[str, Model]
    packages: Packages
    registry: Registry


@dataclass(frozen=True)
class ModelFile:
    """A model and the file it was read from, with the values as they were written."""

    file: YamlFile
    model: Model

    @property
    def data(self) -> dict[str, Any]:
        """What the file holds."""
        return self.file.data or {}

    def error(self, field: str, message: str, remedy: str) -> Finding:
        """A finding that cannot be right."""
        return Finding("error", self._fault(field, message, remedy))

    def warning(self, field: str, message: str, remedy: str) -> Finding:
        """A finding that may be right."""
        return Finding("warning", self._fault(field, message, remedy))

    def _fault(self, field: str, message: str, remedy: str) -> Fault:
        value: Any = self.data
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return self.file.fault(field, message, remedy, value if isinstance(value, str | int | float) else None)


@dataclass(frozen=True)
class ConfigFile:
    """A config and the file it was read from."""

    file: YamlFile
    config: RouterConfig

    def finding(self, severity: Severity, field: str, message: str, remedy: str, value: object = None) -> Finding:
        """What is implausible about a field."""
        return Finding(severity, self.file.fault(field, message, remedy, value))


Findings = Iterator[Finding]
