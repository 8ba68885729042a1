"""YAML files whose faults can name their line.

Data comes from the safe loader; the node tree of the same text is kept to find the line of a field.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pointsman.errors import Fault
from pointsman.faults import faults_of

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class YamlFile:
    """One file: its text, its data (None if it could not be read), and the faults found in reading."""

    path: Path
    text: str
    data: dict[str, Any] | None
    root: Any = None
    faults: Sequence[Fault] = field(default=())

    def fault(self, name: str, message: str, remedy: str, value: object = None) -> Fault:
        """A fault at the line of the field `name`, a dotted path such as `aliases.0`."""
        line = line_of(self.root, name.split("."))
        return Fault(f"{self.path}:{line}: {name}", message, remedy, None if value is None else str(value))


def read_yaml(path: Path) -> YamlFile:
    """Read one file; what is wrong with it is in the result, never raised."""

    def unreadable(message: str, remedy: str, line: int = 1) -> YamlFile:
        return YamlFile(path, "", None, faults=[Fault(f"{path}:{line}", message, remedy)])

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return unreadable("not UTF-8 text", "Save the file as UTF-8.")
    except OSError as error:
        return unreadable(f"cannot be read: {error.strerror}", "Check its permissions.")
    try:
        root = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return unreadable(f"not YAML: {getattr(error, 'problem', error)}", "Correct the syntax.", line)
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        return unreadable("not a mapping of fields", "Write `field: value` lines.")
    repeated = [
        Fault(f"{path}:{key.start_mark.line + 1}: {key.value}", "given twice", "Remove one.")
        for key in _repeated_keys(root)
    ]
    return YamlFile(path, text, data, root, repeated)


def validation_faults(file: YamlFile, error: ValidationError, kind: type[BaseModel]) -> Iterator[Fault]:
    """The faults that pydantic found, each with its line and a remedy."""
    for fault in faults_of(error, fields=kind.model_fields):
        yield file.fault(fault.field, fault.message, fault.remedy, fault.value)


def line_of(root: Any, loc: Sequence[str]) -> int:
    """The line of a field in a composed tree, or of the nearest part of it that exists; from 1."""
    node, line = root, 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            found = (node.value[int(part)],) * 2
        else:
            found = None
        if found is None:
            break
        key, node = found
        line = key.start_mark.line + 1
    return line


def _repeated_keys(root: Any) -> Iterator[Any]:
    if isinstance(root, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in root.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated_keys(value)
