"""YAML files whose faults can name their line.

Data comes from the safe loader; the node tree of the same text is kept to find the line of a field.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pointsman.errors import Fault
from pointsman.faults import NUMBER, faults_of

_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
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
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return unreadable("not UTF-8 text", "Save the file as UTF-8.")
    except OSError as error:
        return unreadable(f"cannot be read: {error.strerror}", "Check its permissions.")
    try:
        root = yaml.compose(text, Loader=_Loader)
        if (within := _holds_itself(root)) is not None:
            line = within.start_mark.line + 1
            return unreadable("it refers to itself", "Write out what the * stands for.", line)
        data = yaml.load(text, Loader=_Loader)
    except RecursionError:
        return unreadable("too many levels, one within another", "Write plain `field: value` lines.")
    except (ValueError, OverflowError) as error:
        # A scalar that looks like a date or a number, and is none.
        odd: Any = next((node for node in _scalars(root) if not _is_value(node)), root)
        return unreadable(f"{odd.value}: {error}", "Correct the value.", odd.start_mark.line + 1)
    except yaml.YAMLError as error:
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
    for fault in faults_of(error, kind=kind):
        remedy = fault.remedy
        if remedy == NUMBER and _EXPONENT.fullmatch(fault.value or ""):
            # YAML 1.1 wants a point in what has an exponent.
            remedy = f"Write a plain number: {Decimal(fault.value or 0):f} (YAML reads {fault.value} as text)."
        yield file.fault(".".join(_written(file.root, fault.field.split("."))), fault.message, remedy, fault.value)


def line_of(root: Any, loc: Sequence[str]) -> int:
    """The line of a field in a composed tree, or of the nearest part of it that exists; from 1."""
    steps = list(_steps(root, loc))
    return steps[-1][1] if steps else 1


def _steps(root: Any, loc: Sequence[str]) -> Iterator[tuple[int, int, Any]]:
    """The parts of a place that the tree has: parts used up to there, line, and node. A key may hold dots."""
    node, used = root, 0
    while used < len(loc):
        step = next((s for end in range(len(loc), used, -1) if (s := _below(node, ".".join(loc[used:end]), end))), None)
        if step is None:
            return
        used, _, node = step
        yield step


def _below(node: Any, part: str, used: int) -> tuple[int, int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((used, k.start_mark.line + 1, v) for k, v in node.value if k.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        item = node.value[int(part)]
        return used, item.start_mark.line + 1, item
    return None


def _written(root: Any, loc: Sequence[str]) -> Sequence[str]:
    """A place as far as the file has it: what was read into a single value is named by that value's field."""
    loc = loc[:-1] if loc[-1:] == ["[key]"] else loc
    steps = list(_steps(root, loc))
    return loc[: steps[-1][0]] if steps and isinstance(steps[-1][2], yaml.ScalarNode) else loc


def _scalars(root: Any) -> Iterator[Any]:
    seen: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if id(node) not in seen:
            seen.add(id(node))
            left.extend(_parts(node))
            if isinstance(node, yaml.ScalarNode):
                yield node


def _is_value(scalar: Any) -> bool:
    try:
        yaml.SafeLoader("").construct_object(scalar)
    except (ValueError, OverflowError):
        return False
    return True


def _parts(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _holds_itself(root: Any) -> Any | None:
    """A node of the tree that is a part of itself; None where there is none. An anchor may be used many times."""
    open_nodes: set[int] = set()
    done: set[int] = set()
    # A node comes up a second time, as the end of what was put above it, once all its parts are done.
    left = [(root, False)]
    while left:
        node, is_end = left.pop()
        if is_end:
            open_nodes.discard(id(node))
            done.add(id(node))
        elif id(node) in open_nodes:
            return node
        elif id(node) not in done:
            open_nodes.add(id(node))
            left.append((node, True))
            left.extend((part, False) for part in _parts(node))
    return None


def _repeated_keys(root: Any) -> Iterator[Any]:
    """The keys that a mapping has a second time; what several places refer to is looked at once."""
    seen_nodes: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        left.extend(_parts(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen:
                    yield key
                seen.add(key.value)
