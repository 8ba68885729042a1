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

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What to do about a kind of pydantic error; the placeholders are the error's own context.
_REMEDIES = {
    "missing": "add it",
    "greater_than_equal": "use a number of at least {ge}",
    "greater_than": "use a number above {gt}",
    "less_than_equal": "use a number of at most {le}",
    "float_type": "write a plain number such as 0.00009 (YAML reads 9e-5 as text)",
    "int_type": "write a whole number",
    "string_type": "write text, in quotes if it looks like a number",
    "tuple_type": "write a list",
    "literal_error": "use one of: {expected}",
    "string_pattern_mismatch": "match the pattern {pattern}",
    "too_short": "give at least {min_length}",
    "finite_number": "use a finite number",
    "date_from_datetime_parsing": "write a date as YYYY-MM-DD",
    "date_type": "write a date as YYYY-MM-DD",
    "value_error": "correct it",
}


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
        return unreadable("not UTF-8 text", "save the file as UTF-8")
    except OSError as error:
        return unreadable(f"cannot be read: {error.strerror}", "check its permissions")
    try:
        root = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return unreadable(f"not YAML: {getattr(error, 'problem', error)}", "correct the syntax", line)
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        return unreadable("not a mapping of fields", "write `field: value` lines")
    repeated = [
        Fault(f"{path}:{key.start_mark.line + 1}: {key.value}", "given twice", "remove one")
        for key in _repeated_keys(root)
    ]
    return YamlFile(path, text, data, root, repeated)


def faults_of(file: YamlFile, error: ValidationError, kind: type[BaseModel]) -> Iterator[Fault]:
    """The faults that pydantic found, each with its line and a remedy."""
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"]) or "(file)"
        message = item["msg"].removeprefix("Value error, ")
        context = item.get("ctx", {})
        if item["type"] == "extra_forbidden":
            message = "unknown field"
            remedy = f"remove it, or use one of: {', '.join(kind.model_fields)}"
        else:
            remedy = _REMEDIES.get(item["type"], "correct it").format_map({**_Blank(), **context})
        value = item["input"] if isinstance(item["input"], str | int | float | bool) else None
        yield file.fault(name, message, remedy, value)


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


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
