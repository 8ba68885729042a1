"""A candidate is a model at an effort: what a file may say of efforts, and what a config makes of it."""

from pathlib import Path
from typing import Any

import pytest
from pointsman.errors import RegistryError, UnknownModel
from pointsman.registry import Model, Registry, RouterConfig, load_registry
from pydantic import ValidationError

from artifacts_build.packaging.compiled_registry import write_compiled_registry
from tests.conftest import ROOT, WriteRegistry, model_yaml

EFFORTS = """\
default_effort: medium
efforts:
  low:
    request: {reasoning_effort: low}
    benchmarks: {gpqa_diamond: {score: 80, measured_by: Acme Labs, date: 2026-08-22, source: https://example.com}}
    output_tokens: {hard_reasoning: 600, short_fact: 50}
    output_tokens_source: Acme Labs, 2026-08-22
  medium:
    request: {reasoning_effort: medium}
    output_tokens: {hard_reasoning: 1200}
  high:
    request: {reasoning_effort: high}
    requests: {anthropic_messages: {thinking: {type: adaptive}, output_config: {effort: high}}}
    benchmarks: {gpqa_diamond: 90}
"""
AUTO = "name: auto\ndescription: all\nmodels: [acme/one, acme/two]\n"


def written(write: WriteRegistry, more: str = EFFORTS, config: str = AUTO) -> Path:
    one = model_yaml("acme/one", gpqa=None, more=f"aliases: [uno]\n{more}")
    return write({"one.yaml": one, "two.yaml": model_yaml("acme/two")}, {"auto.yaml": config})


def ids(registry: Registry, config: str = "auto") -> list[str]:
    return [one.candidate_id for one in registry.candidates(config)]


def faults(folder: Path) -> dict[str, str]:
    with pytest.raises(RegistryError) as raised:
        load_registry(folder)
    return {
        fault.field.removeprefix(f"{folder}/").split(": ")[-1]: f"{fault.message} | {fault.remedy} | {fault.value}"
        for fault in raised.value.faults
    }


@pytest.mark.parametrize(
    ("efforts", "expected"),
    [
        ("", ["acme/one@medium", "acme/two"]),
        ("efforts: default", ["acme/one@medium", "acme/two"]),
        ("efforts: all", ["acme/one@low", "acme/one@medium", "acme/one@high", "acme/two"]),
        ("efforts: [high, low]", ["acme/one@low", "acme/one@high", "acme/two"]),
    ],
)
def test_a_config_takes_the_default_effort_all_of_them_or_those_that_it_lists(
    write_registry: WriteRegistry, efforts: str, expected: list[str]
) -> None:
    assert ids(load_registry(written(write_registry, config=f"{AUTO}{efforts}\n"))) == expected


def test_a_config_may_name_one_effort_of_a_model_by_id_or_alias(write_registry: WriteRegistry) -> None:
    config = "name: auto\ndescription: all\nmodels: [uno@high, acme/one, acme/one@low]\n"
    registry = load_registry(written(write_registry, config=config))
    assert ids(registry) == ["acme/one@low", "acme/one@medium", "acme/one@high"]
    assert registry.config("auto").models == ("acme/one@high", "acme/one", "acme/one@low")


def test_a_candidate_has_the_scores_of_its_own_effort(write_registry: WriteRegistry) -> None:
    registry = load_registry(written(write_registry))
    low, medium, high = (registry.candidate(f"uno@{level}") for level in ("low", "medium", "high"))
    assert (low.benchmarks, medium.benchmarks, high.benchmarks) == ({"gpqa_diamond": 0.8}, {}, {"gpqa_diamond": 0.9})
    assert low.model.figures == (("gpqa_diamond", "low", 0.8), ("gpqa_diamond", "high", 0.9))


def test_where_an_effort_has_no_score_the_nearest_one_stands_in_and_of_two_the_lower(
    write_registry: WriteRegistry,
) -> None:
    registry = load_registry(written(write_registry))
    assert registry.candidate("acme/one").capability == pytest.approx(0.8)
    assert registry.candidate("acme/one@high").capability == pytest.approx(0.9)
    assert registry.model("acme/one").capability == pytest.approx(0.8)


def test_a_score_of_unknown_effort_counts_for_the_highest_level_unless_that_was_measured(
    write_registry: WriteRegistry,
) -> None:
    more = f"{EFFORTS}benchmarks: {{livecodebench: 70, gpqa_diamond: 50, hle: {{score: 20, effort: low}}}}\n"
    folder = write_registry(
        {"one.yaml": model_yaml("acme/one", more="").replace("benchmarks: {gpqa_diamond: 80}\n", "") + more},
        {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/one]\n"},
    )
    registry = load_registry(folder)
    assert registry.candidate("acme/one@high").benchmarks == {"gpqa_diamond": 0.9, "livecodebench": 0.7}
    assert registry.candidate("acme/one@low").benchmarks == {"gpqa_diamond": 0.8, "hle": 0.2}
    assert registry.candidate("acme/one").model.score("livecodebench", "low") == 0.7


def test_the_base_formulas_scores_are_those_of_the_effort_and_one_of_unknown_effort_is_the_last_resort(
    write_registry: WriteRegistry,
) -> None:
    base = model_yaml("acme/one", gpqa=None).replace("benchmarks: {}\n", "benchmarks: {livecodebench: 60}\n")
    folder = write_registry({"one.yaml": base + EFFORTS}, {"auto.yaml": AUTO.replace(", acme/two", "")})
    high = load_registry(folder).candidate("acme/one@high")
    assert (high.gpqa_diamond, high.livecodebench, high.capability) == (0.9, None, 0.9)
    levels = "default_effort: low\nefforts: {low: {}, high: {}}\n"
    (folder / "models/one.yaml").write_text(base + levels)
    assert load_registry(folder).candidate("acme/one@low").capability == 0.6


def test_a_candidate_says_how_it_is_asked_for_in_every_dialect(write_registry: WriteRegistry) -> None:
    registry = load_registry(written(write_registry))
    low, high = registry.candidate("acme/one@low"), registry.candidate("acme/one@high")
    assert low.request == {"reasoning_effort": "low"}
    assert low.request_for("openai_responses") == {"reasoning": {"effort": "low"}}
    assert low.request_for("anthropic_messages") == {"output_config": {"effort": "low"}}
    assert high.request_for("anthropic_messages") == {
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
    }
    assert registry.candidate("acme/two").request_for("openai_chat") == {}


def test_a_candidate_says_how_much_it_writes_by_kind_of_work(write_registry: WriteRegistry) -> None:
    registry = load_registry(written(write_registry))
    assert registry.candidate("acme/one@low").output_tokens == {"hard_reasoning": 600, "short_fact": 50}
    assert registry.candidate("acme/one@high").output_tokens == {}


def test_a_default_that_nobody_published_is_medium_else_the_middle_level(write_registry: WriteRegistry) -> None:
    unknown = EFFORTS.replace("default_effort: medium", "default_effort: unknown")
    registry = load_registry(written(write_registry, unknown))
    assert registry.candidate("acme/one").effort == "medium"
    fields = registry.model("acme/one").model_dump(by_alias=True)
    efforts = {level: fields["efforts"][level] for level in ("low", "high")}
    assert Model.model_validate({**fields, "efforts": efforts}).default_level == "low"


def test_a_name_with_an_effort_that_is_not_there_is_answered_with_those_that_are(write_registry: WriteRegistry) -> None:
    registry = load_registry(written(write_registry))
    with pytest.raises(UnknownModel, match=r"acme/one has no effort 'max'\. Use one of: low, medium, high"):
        registry.candidate("acme/one@max")
    with pytest.raises(UnknownModel, match="It has no efforts: name it acme/two"):
        registry.candidate("acme/two@low")
    with pytest.raises(UnknownModel, match="Did you mean 'acme/one'"):
        registry.candidate("acme/on@low")


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ("efforts: {low: {}, high: {}}", "default_effort", "efforts without a default"),
        (
            "efforts: {low: {}, high: {}}\ndefault_effort: medium",
            "default_effort",
            "Use one of: low, high, unknown. | medium",
        ),
        ("default_effort: low", "default_effort", "Remove it, or add `efforts`"),
        ("default_effort: low\nefforts: {Low: {}}", "efforts.Low", "Match the pattern"),
        ("default_effort: low\nefforts: {low: {colour: 1}}", "efforts.low.colour", "use one of: request, requests"),
        ("default_effort: low\nefforts: {low: {requst: {}}}", "efforts.low.requst", "Did you mean 'request'?"),
        (
            "default_effort: low\nefforts: {low: {request: {messages: []}}}",
            "efforts.low.request.messages",
            "would override the caller's own field",
        ),
        (
            "default_effort: low\nefforts: {low: {request: {api_key: abc}}}",
            "efforts.low.request.api_key",
            "looks like a secret",
        ),
        (
            "default_effort: low\nefforts: {low: {request: {reasoning: {x: sk-0123456789}}}}",
            "efforts.low.request.reasoning.x",
            "looks like a secret",
        ),
        (
            "default_effort: low\nefforts: {low: {requests: {openai_responses: {input: x}}}}",
            "efforts.low.requests.openai_responses.input",
            "would override",
        ),
        (
            "default_effort: low\nefforts: {low: {request: {when: 2026-01-01}}}",
            "efforts.low.request",
            "cannot be sent as JSON",
        ),
        (
            "default_effort: low\nefforts: {low: {output_tokens: {poetry: 5}}}",
            "efforts.low.output_tokens.poetry",
            "agentic",
        ),
        (
            "default_effort: low\nefforts: {low: {output_tokens: {chat: 0}}}",
            "efforts.low.output_tokens.chat",
            "above 0",
        ),
        ("default_effort: low\nefforts: {low: {benchmarks: {hle: 101}}}", "efforts.low.benchmarks.hle", "at most 100"),
        (
            "default_effort: low\nefforts: {low: {benchmarks: {hle: {score: 5, effort: max}}}}",
            "efforts.low.benchmarks.hle.effort",
            "stands under a level already",
        ),
        ("supports: {tools: maybe}", "supports.tools", "true or false"),
        ("supports: {magic: true}", "supports.magic", "'tools', 'json' or 'reasoning'"),
    ],
)
def test_what_a_file_gets_wrong_about_efforts_is_named_with_field_value_and_remedy(
    write_registry: WriteRegistry, more: str, field: str, said: str
) -> None:
    found = faults(written(write_registry, more))
    assert said in found[field]


@pytest.mark.parametrize(
    ("config", "field", "said"),
    [
        ("models: [acme/one@max]", "models.0", "no effort 'max' | Use one of: low, medium, high"),
        ("models: [acme/two@low]", "models.0", "It has no efforts: name it acme/two"),
        ("models: [acme/one, acme/one@medium]", "models.1", "the same candidate as acme/one"),
        ("models: [acme/one]\nefforts: [max]", "efforts.0", "no model has this effort"),
        ("models: [acme/one]\nefforts: [max]", "models.0", "has none of the efforts max"),
        ("models: [acme/one]\nefforts: high", "efforts", "Write [high], all or default"),
        ("models: [acme/one]\nefforts: []", "efforts", "at least 1"),
        ("models: []", "models", "at least 1"),
        ("models: [acme/one]\ncompletion_threshold: 70", "completion_threshold", "at most 1: 0.7. | 70"),
        ("models: [acme/one]\nwithin: 3", "within", "at most 1: 0.03. | 3"),
        ("models: [acme/one]\nworth_usd: 0", "worth_usd", "above 0. | 0"),
        ("models: [acme/one]\npolicy: value", "worth_usd", "Say what a completed answer is worth"),
        ("models: [acme/one]\npolicy: best", "policy", "'threshold' or 'value'"),
        ("models: [acme/one]\nsticky: yes", "sticky", "'always', 'economic' or 'never'"),
        ("models: [acme/one]\ncaution: yes", "caution", "number"),
        ("models: [acme/one]\nnames: nowhere", "names", "'openrouter'"),
        ("models: [acme/one]\ntargets: {acme/three: x}", "targets.acme/three", "no model has this id"),
        ("models: [acme/one]\ntargets: {acme/two: x}", "targets.acme/two", "no candidate of this config"),
        ("models: [acme/one]\ndefault_model: acme/three", "default_model", "no model has this id"),
        ("models: [acme/one]\nworth: 1", "worth", "unknown field"),
    ],
)
def test_what_a_config_gets_wrong_is_named_with_field_value_and_remedy(
    write_registry: WriteRegistry, config: str, field: str, said: str
) -> None:
    found = faults(written(write_registry, config=f"name: auto\ndescription: all\n{config}\n"))
    assert said in found[field]


def test_a_config_of_many_efforts_counts_candidates_and_not_models(write_registry: WriteRegistry) -> None:
    levels = ", ".join(f"l{i}: {{}}" for i in range(150))
    more = f"default_effort: l0\nefforts: {{{levels}}}"
    config = "name: auto\ndescription: all\nmodels: [acme/one]\nmax_k: 2\nefforts: "
    assert "150 candidates with max_k 2" in faults(written(write_registry, more, f"{config}all\n"))["max_k"]
    assert ids(load_registry(written(write_registry, more, f"{config}default\n"))) == ["acme/one@l0"]


def test_targets_and_the_default_model_are_kept_by_their_ids(write_registry: WriteRegistry) -> None:
    more = "efforts: all\ntargets: {uno@low: fast, uno: slow}\ndefault_model: uno@high\n"
    config = load_registry(written(write_registry, config=f"{AUTO}{more}")).config("auto")
    assert config.targets == {"acme/one@low": "fast", "acme/one": "slow"}
    assert config.default_model == "acme/one@high"


def test_what_is_not_known_to_be_supported_is_unknown_and_not_missing(write_registry: WriteRegistry) -> None:
    registry = load_registry(written(write_registry, "supports: {tools: true, json: false, reasoning: unknown}"))
    model = registry.model("acme/one")
    assert [model.feature(name) for name in ("tools", "json", "reasoning")] == [True, False, None]
    assert model.lacks(["tools", "json", "reasoning"]) == ["json"]
    assert model.lacks(["tools", "json", "reasoning"], strict=True) == ["json", "reasoning"]


def test_the_older_list_of_features_names_what_is_there(write_registry: WriteRegistry) -> None:
    model = load_registry(written(write_registry, "supports: [tools]")).model("acme/one")
    assert (model.feature("tools"), model.feature("json")) == (True, None)


def test_a_gateways_name_finds_the_model_and_may_hold_an_at_sign(write_registry: WriteRegistry) -> None:
    more = f"{EFFORTS}gateway_names: {{vertex: one@20261007, bedrock: acme.one-v1:0}}\n"
    registry = load_registry(written(write_registry, more))
    assert registry.candidate("one@20261007").candidate_id == "acme/one@medium"
    assert registry.candidate("one@20261007@high").candidate_id == "acme/one@high"
    assert "acme.one-v1:0" in registry.candidate("acme/one").names


def test_a_compiled_registry_keeps_everything_of_the_second_schema(
    write_registry: WriteRegistry, tmp_path: Path
) -> None:
    more = (
        f"{EFFORTS}supports: {{tools: true, json: false}}\nlatency: {{first_token_s: 0.5, tokens_per_s: 100}}\n"
        "long_context: [{above: 50000, input_cost_per_1m: 2, output_cost_per_1m: 3}]\n"
        "prices: [{from: 2026-12-01, input_cost_per_1m: 4, output_cost_per_1m: 5}]\n"
        "gateway_names: {openrouter: acme/one}\n"
    )
    config = f"{AUTO}efforts: [low]\npolicy: value\nworth_usd: 0.1\ntargets: {{uno@low: t}}\nsticky: never\n"
    folder = load_registry(source := written(write_registry, more, config))
    write_compiled_registry(source, ROOT / "weights/default", tmp_path / "out")
    file = load_registry(tmp_path / "out/registry.json")
    assert (file.models, file.configs, file.digest) == (folder.models, folder.configs, folder.digest)
    assert file.candidates("auto") == folder.candidates("auto")
    assert file.model("acme/one").levels == ("low", "medium", "high")


def test_latency_is_of_the_effort_then_of_the_model_then_the_older_number() -> None:
    fields: dict[str, Any] = {
        "model_id": "acme/one",
        "provider": "acme",
        "context_length": 1000,
        "input_cost_per_1k": 0.001,
        "output_cost_per_1k": 0.002,
        "source_urls": ["https://example.com"],
        "source_quality": "official",
        "as_of": "2026-01-01",
        "latency_s": 9.0,
    }
    speed = {"first_token_s": 1.0, "tokens_per_s": 50.0}
    levels = {"low": {"latency": {"tokens_per_s": 100.0}}, "high": {}}
    registry = Registry({"acme/one": Model.model_validate(fields)}, {}, "")
    assert registry.candidate("acme/one").latency(100) == 9.0
    fast = Model.model_validate({**fields, "latency": speed, "efforts": levels, "default_effort": "high"})
    registry = Registry({"acme/one": fast}, {}, "")
    assert registry.candidate("acme/one@low").latency(100) == pytest.approx(1.0)
    assert registry.candidate("acme/one@high").latency(100) == pytest.approx(3.0)


@pytest.mark.parametrize("value", [0, 20261231, True, "2026-1-1", "20261231"])
def test_a_day_is_written_as_a_date_and_never_counted_in_seconds(value: object) -> None:
    with pytest.raises(ValidationError, match="YYYY-MM-DD"):
        Model.model_validate({"model_id": "acme/one", "as_of": value})


def test_a_config_made_in_code_is_checked_as_one_of_a_file() -> None:
    with pytest.raises(ValidationError, match="worth in USD"):
        RouterConfig(name="x", description="x", models=("acme/one",), policy="value")
