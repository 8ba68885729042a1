"""template.yaml as Python reads it: CloudFormation's short forms become their long ones."""

from typing import Any

import yaml

from tests.conftest import ROOT


class _Loader(yaml.SafeLoader):
    """YAML with `!Ref`, `!Sub` and the like."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load() -> dict[str, Any]:
    """The whole template."""
    document: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), Loader=_Loader)
    return document


TEMPLATE = load()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    """The properties of every resource of a type, by logical name."""
    return {name: r.get("Properties", {}) for name, r in RESOURCES.items() if r["Type"] == kind}
