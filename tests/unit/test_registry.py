"""The registry: every fault of every file in one report, with file, line, field and remedy."""

from datetime import timedelta
from pathlib import Path

import pytest
from pointsman.errors import RegistryError, UnknownConfig, UnknownModel
from pointsman.registry import Model, Registry, RouterConfig, load_registry
from pydantic import ValidationError

from tests.conftest import ROOT, WriteRegistry, model_yaml

AUTO = "name: auto\ndescription: all\nmodels: [acme/one]\n"


def faults(folder: Path) -> dict[str, str]:
    with pytest.raises(RegistryError) as raised:
        load_registry(folder)
    return {
        fault.field.removeprefix(f"{folder}/"): f"{fault.message} | {fault.remedy}" for fault in raised.value.faults
    }


def test_ten_faults_in_four_files_are_reported_at_once(write_registry: WriteRegistry) -> None:
    folder = write_registry(
        {
            "one.yaml": """model_id: acme/one
provider: acme
aliases: [uno, two]
context_length: -5
input_cost_per_1k: 9e-5
output_cost_per_1k: .inf
benchmarks:
  gpqa_diamond: 120
colour: red
source_urls: [example.com]
source_quality: gossip
as_of: yesterday
""",
            "two.yaml": model_yaml("acme/two", more="aliases: [two, uno]"),
            "three.yaml": model_yaml("acme/three", more="aliases: [two]"),
            "broken.yaml": "model_id: [unclosed\n",
        },
        {
            "auto.yaml": "name: auto\ndescription: all\nmodels:\n  - acme/two\n  - acme/x\ncompletion_threshold: 1.5\n",
            "pair.yaml": "name: pair\ndescription: all\nmodels:\n  - acme/two\n  - acme/tow\n  - uno\n",
        },
    )
    found = faults(folder)
    assert len(found) >= 10
    assert "at least 1" in found["models/one.yaml:4: context_length"]
    assert "YAML reads 9e-5 as text" in found["models/one.yaml:5: input_cost_per_1k"]
    assert "finite" in found["models/one.yaml:6: output_cost_per_1k"]
    assert "at most 100" in found["models/one.yaml:8: benchmarks.gpqa_diamond"]
    assert found["models/one.yaml:9: colour"].startswith("unknown field | Remove it, or use one of: model_id,")
    assert "https://" in found["models/one.yaml:10: source_urls.0"]
    assert "official" in found["models/one.yaml:11: source_quality"]
    assert "YYYY-MM-DD" in found["models/one.yaml:12: as_of"]
    assert "already names acme/t" in found["models/two.yaml:10: aliases.0"]
    assert "not YAML" in found["models/broken.yaml:2"]
    assert "at most 1" in found["routers/auto.yaml:6: completion_threshold"]
    assert "Did you mean 'acme/two'?" in found["routers/pair.yaml:5: models.1"]
    assert "the same candidate as acme/two" in found["routers/pair.yaml:6: models.2"]


def test_a_missing_field_is_named_with_its_file(write_registry: WriteRegistry) -> None:
    folder = write_registry({"one.yaml": "model_id: acme/one\n"}, {"auto.yaml": AUTO})
    assert "models/one.yaml:1: provider" in faults(folder)


def test_a_field_given_twice_is_a_fault(write_registry: WriteRegistry) -> None:
    folder = write_registry({"one.yaml": model_yaml("acme/one", more="provider: other")}, {"auto.yaml": AUTO})
    assert "given twice | Remove one." in faults(folder)["models/one.yaml:10: provider"]


def test_two_files_for_one_model_are_a_fault(write_registry: WriteRegistry) -> None:
    folder = write_registry({"a.yaml": model_yaml("acme/one"), "b.yaml": model_yaml("acme/one")}, {"auto.yaml": AUTO})
    assert any("model_id" in field for field in faults(folder))


def test_two_configs_of_one_name_are_a_fault(write_registry: WriteRegistry) -> None:
    folder = write_registry({"one.yaml": model_yaml("acme/one")}, {"a.yaml": AUTO, "b.yaml": AUTO})
    assert "routers/b.yaml:1: name" in faults(folder)


def test_a_folder_without_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as raised:
        load_registry(tmp_path / "nowhere")
    assert "--registry" in raised.value.faults[0].remedy


@pytest.mark.parametrize("text", ["- a list\n", "just text\n", "", "1: 2\n", "\x00", "a: &x [*x, *x]\n"])
def test_a_file_that_is_no_mapping_of_fields_is_a_fault(write_registry: WriteRegistry, text: str) -> None:
    folder = write_registry({"one.yaml": text}, {"auto.yaml": AUTO})
    assert any(field.startswith("models/one.yaml") for field in faults(folder))


def test_a_file_that_is_not_utf8_is_a_fault(write_registry: WriteRegistry) -> None:
    folder = write_registry({"one.yaml": ""}, {"auto.yaml": AUTO})
    (folder / "models/one.yaml").write_bytes(b"\xff\xfe\x00")
    assert "Save the file as UTF-8" in faults(folder)["models/one.yaml:1"]


def test_a_config_of_too_many_sets_is_refused_when_it_is_loaded() -> None:
    with pytest.raises(ValidationError, match="17,343 candidate sets") as raised:
        RouterConfig(name="big", description="x", models=tuple(f"acme/m{i}" for i in range(47)), max_k=3)
    assert "lower max_k" in str(raised.value)


def test_an_alias_finds_the_model_and_configs_hold_model_ids(write_registry: WriteRegistry) -> None:
    folder = write_registry(
        {"one.yaml": model_yaml("acme/one", more="aliases: [uno]")},
        {"auto.yaml": "name: auto\ndescription: all\nmodels: [uno]\n"},
    )
    registry = load_registry(folder)
    assert registry.model("uno").model_id == "acme/one"
    assert registry.config("auto").models == ("acme/one",)


def test_an_unknown_name_is_answered_with_the_nearest_one(small_registry: Registry) -> None:
    with pytest.raises(UnknownModel, match="Did you mean 'acme/strong'"):
        small_registry.model("acme/stong")
    with pytest.raises(UnknownConfig, match="Use one of: auto, strong"):
        small_registry.config("nope")


def test_capability_is_the_mean_of_what_is_published(small_registry: Registry) -> None:
    fields = small_registry.model("acme/strong").model_dump()
    both = Model.model_validate({**fields, "benchmarks": {"gpqa_diamond": 80, "livecodebench": 60, "hle": 10}})
    assert both.capability == pytest.approx(0.7)
    assert Model.model_validate({**fields, "benchmarks": {"livecodebench": 60}}).capability == pytest.approx(0.6)
    assert Model.model_validate({**fields, "benchmarks": {"hle": 10}}).capability is None


def test_the_same_registry_has_the_same_digest_wherever_it_lies(write_registry: WriteRegistry, tmp_path: Path) -> None:
    folder = write_registry({"one.yaml": model_yaml("acme/one")}, {"auto.yaml": AUTO})
    first = load_registry(folder).digest
    moved = folder.rename(tmp_path / "moved")
    assert load_registry(moved).digest == first
    (moved / "models/one.yaml").write_text(model_yaml("acme/one", price=0.5))
    assert load_registry(moved).digest != first


@pytest.mark.parametrize(("config", "waits"), [("auto", True), ("balanced", True), ("cheap", False), ("best", False)])
def test_configs_hold_every_current_model_at_every_effort_that_was_measured(config: str, waits: bool) -> None:
    """A model with fewer than three published scores is not bet on; where somebody waits, nothing writes for long."""
    registry = load_registry(ROOT / "registry")
    newest = max(model.as_of for model in registry.models.values())
    current = [
        model.model_id
        for model in registry.models.values()
        if model.replaced_by is None
        and model.price_known
        and (model.release_date is None or model.release_date >= newest - timedelta(days=366))
        and len({benchmark for benchmark, _, _ in model.figures}) >= 3
    ]
    measured = [one for one in registry.expand(current, "all") if one.capability is not None and one.benchmarks]
    allowed = [one.candidate_id for one in measured if not waits or one.effort not in ("xhigh", "max")]
    assert [one.candidate_id for one in registry.candidates(config)] == allowed
    assert len({one.effort for one in measured}) >= 6


def test_the_config_for_agents_holds_what_takes_tools() -> None:
    registry = load_registry(ROOT / "registry")
    known = [one.candidate_id for one in registry.candidates("best") if not one.model.lacks(["tools"], strict=True)]
    assert [one.candidate_id for one in registry.candidates("agent")] == known


def test_the_bundled_registry_knows_prices_features_and_limits_of_every_model() -> None:
    registry = load_registry(ROOT / "registry")
    assert len(registry.models) == 79
    assert [model.model_id for model in registry.models.values() if not model.lacks(["tools"], strict=True)]
    for model in registry.models.values():
        assert model.price_known
        assert model.lacks(["tools"]) == []


def test_every_figure_of_the_bundled_registry_says_who_measured_it_or_that_nobody_knows() -> None:
    for model in load_registry(ROOT / "registry").models.values():
        figures = [*model.benchmarks.values(), *(f for e in model.efforts.values() for f in e.benchmarks.values())]
        assert all(figure.source and figure.date for figure in figures)
        assert all(figure.measured_by or "measurer not stated" in (figure.note or "") for figure in figures)


def test_models_without_a_score_stay_out_of_the_bundled_configs() -> None:
    registry = load_registry(ROOT / "registry")
    named = {"auto", "cheap", "balanced", "best", "agent", "cheap-pair", "quality-pair", "single-opus"}
    assert named == set(registry.configs)
    for config in registry.configs.values():
        assert all(one.capability is not None for one in registry.candidates(config))
    assert registry.config("quality-pair").max_k == 2
    assert registry.config("quality-pair").completion_threshold == 0.8
    assert len(registry.config("single-opus").models) == 1


SOURCES = """\
sources: {lab: {measured_by: Acme Labs, date: 2026-08-22, source: https://example.com}}
benchmarks: {hle: {score: 20, by: lab}, scicode: {score: 30, by: lab, measured_by: Other}}
"""


def test_a_figure_says_what_its_source_says_and_what_it_says_itself_stands(write_registry: WriteRegistry) -> None:
    text = model_yaml("acme/one").replace("benchmarks: {gpqa_diamond: 80}\n", SOURCES)
    model = load_registry(write_registry({"one.yaml": text}, {"auto.yaml": AUTO})).model("acme/one")
    hle, scicode = model.benchmarks["hle"], model.benchmarks["scicode"]
    assert (hle.measured_by, str(hle.date), hle.source) == ("Acme Labs", "2026-08-22", "https://example.com")
    assert (scicode.measured_by, str(scicode.date)) == ("Other", "2026-08-22")


def test_a_figure_of_a_source_that_is_not_there_is_a_fault_of_that_figure(write_registry: WriteRegistry) -> None:
    text = model_yaml("acme/one").replace(
        "benchmarks: {gpqa_diamond: 80}\n", SOURCES.replace("20, by: lab", "20, by: labs")
    )
    found = faults(write_registry({"one.yaml": text}, {"auto.yaml": AUTO}))
    assert "no such source | Did you mean 'lab'?" in found["models/one.yaml:7: benchmarks.hle.by"]
