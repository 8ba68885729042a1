"""Whatever stands in a field, the answer is a fault with a remedy or a registry: never a stack trace."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pointsman.errors import Fault, RegistryError
from pointsman.registry import load_registry
from pointsman.registry.packages import Packages
from pointsman.registry.plausibility import judge

MODEL: dict[str, Any] = {
    "model_id": "acme/one",
    "provider": "acme",
    "aliases": ["one"],
    "gateway_names": {"openrouter": "acme/one"},
    "replaced_by": "acme/two",
    "release_date": "2026-01-01",
    "input_modalities": ["text"],
    "context_length": 100_000,
    "max_output_tokens": 1000,
    "input_cost_per_1m": 1,
    "output_cost_per_1m": 2,
    "long_context": [{"above": 5000, "input_cost_per_1m": 2, "output_cost_per_1m": 3}],
    "utc_price_overrides": [
        {
            "utc_start": "01:00",
            "utc_end": "02:00",
            "utc_days": ["monday"],
            "input_cost_per_1m": 2,
            "output_cost_per_1m": 3,
        }
    ],
    "prices": [{"from": "2027-01-01", "input_cost_per_1m": 2, "output_cost_per_1m": 3}],
    "latency": {"first_token_s": 1, "tokens_per_s": 50},
    "supports": {"tools": True},
    "sources": {"lab": {"measured_by": "Lab", "date": "2026-01-01", "source": "https://example.com"}},
    "benchmarks": {"hle": {"score": 30, "by": "lab"}},
    "output_tokens_source": "Lab",
    "default_effort": "low",
    "efforts": {
        "low": {"request": {"reasoning_effort": "low"}, "benchmarks": {"gpqa_diamond": 80}},
        "high": {"request": {"reasoning_effort": "high"}, "output_tokens": {"coding": 900}, "requests": {}},
    },
    "source_urls": ["https://example.com"],
    "source_quality": "official",
    "as_of": "2026-01-01",
}
CONFIG: dict[str, Any] = {
    "name": "auto",
    "description": "all",
    "models": ["acme/one"],
    "efforts": "all",
    "policy": "value",
    "worth_usd": 0.1,
    "within": 0.1,
    "targets": {"acme/one@low": "t"},
    "names": "openrouter",
    "default_model": "one",
    "sticky": "never",
    "max_k": 1,
}
JUNK: tuple[Any, ...] = (
    None,
    0,
    -1,
    1.5,
    True,
    "x",
    "",
    [],
    {},
    [1],
    [None],
    {"a": 1},
    {"a": None},
    [[]],
    10**30,
    float("nan"),
    "é" * 300,
)


def places(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in inner for place in ((*above, key), *places(one, (*above, key)))]


def changed(value: Any, place: tuple[str | int, ...], junk: Any) -> Any:
    if not place:
        return junk
    copy: Any = value.copy()
    copy[place[0]] = changed(value[place[0]], place[1:], junk)
    return copy


def survives(folder: Path, model: Any, config: Any) -> bool:
    """Whether it is loaded; a fault without words, or anything else that is raised, fails the test."""
    for kind, document in (("models", model), ("routers", config)):
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / "one.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    judge(folder, Packages(False, {}))
    faults: tuple[Fault, ...] = ()
    try:
        load_registry(folder)
    except RegistryError as error:
        faults = error.faults or (Fault("", "", ""),)
    assert all(fault.field and fault.message and fault.remedy for fault in faults)
    return not faults


@pytest.mark.parametrize("field", MODEL)
def test_junk_in_a_models_field_is_a_fault_with_a_remedy_or_harmless(tmp_path: Path, field: str) -> None:
    assert survives(tmp_path, MODEL, CONFIG)
    for i, place in enumerate(places({field: MODEL[field]})):
        for junk in JUNK[i % 3 :: 3] if len(place) > 1 else JUNK:
            survives(tmp_path, changed(MODEL, place, junk), CONFIG)


@pytest.mark.parametrize("field", CONFIG)
def test_junk_in_a_configs_field_is_a_fault_with_a_remedy_or_harmless(tmp_path: Path, field: str) -> None:
    for place in places({field: CONFIG[field]}):
        for junk in JUNK:
            survives(tmp_path, MODEL, changed(CONFIG, place, junk))
