"""/api/docs: the API's own description as a page for people. One file without a script, that loads nothing."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code,h2{font-family:ui-monospace,monospace}h2{font-size:1.1rem;margin-top:2.5rem;border-top:1px solid;"
    "padding-top:1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;"
    "padding:.2rem .8rem .2rem 0}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def docs_page(description: Mapping[str, Any]) -> str:
    """The page of an OpenAPI description: every operation with what it takes and what it answers."""
    title = escape(f"{description['info']['title']} {description['info']['version']}")
    parts = "".join(
        _operation(method, path, operation, description)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width"><style>' + STYLE + f"</style></head><body><h1>{title}</h1>"
        f"<p>{escape(description['info'].get('summary', ''))} Programs read <code>/api/openapi.json</code>.</p>"
        f"{parts}</body></html>"
    )


def _operation(method: str, path: str, operation: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    head = f'<h2 id="{escape(operation["operationId"])}">{method.upper()} {escape(path)}</h2>'
    text = f"<p>{escape(operation.get('description', ''))}</p>"
    rows: list[tuple[str, ...]] = [
        (parameter["name"], parameter["in"], _kind(parameter["schema"], whole), parameter.get("description", ""))
        for parameter in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    rows += [(name, "body", *rest) for name, *rest in _fields(body, whole)]
    answers = [
        (status, next(iter(answer.get("content", {"": None}))), answer["description"])
        for status, answer in operation["responses"].items()
    ]
    return head + text + _table(("field", "in", "is", ""), rows) + _table(("answer", "as", ""), answers)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = ["".join(f"<th>{cell}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _fields(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    found = _resolved(schema, whole)
    needed = found.get("required", ())
    for name, field in found.get("properties", {}).items():
        kind = _kind(field, whole)
        yield name, kind if name in needed else f"{kind}, optional", field.get("description", "")


def _resolved(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = whole["components"]["schemas"][name] if name else schema
    return found


def _kind(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = [_kind(one, whole) for one in schema[several] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), whole)}"
    limits = [f"{word} {schema[name]:,}" for name, word in (("minimum", "from"), ("maximum", "to")) if name in schema]
    return " ".join([str(schema.get("format") or schema.get("type") or "anything"), *limits])
