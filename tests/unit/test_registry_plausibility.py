"""Files that can be read and are hardly meant: each is told what was probably meant."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from pointsman.cli.registry import registry
from pointsman.errors import RegistryError
from pointsman.registry.packages import Packages, packages
from pointsman.registry.plausibility import judge

from tests.conftest import ROOT, WriteRegistry

NOBODY = Packages(False, {})
LISTED = Packages(
    False,
    {"acme/one": {"litellm_provider": "acme", "input_cost_per_token": 2e-6, "output_cost_per_token": 1e-5}},
)
AUTO = "name: auto\ndescription: all\nmodels: [acme/one]\n"
GOOD = {
    "model_id": "acme/one",
    "provider": "acme",
    "context_length": "200000",
    "max_output_tokens": "64000",
    "input_cost_per_1k": "0.002",
    "output_cost_per_1k": "0.01",
    "benchmarks": "{gpqa_diamond: 90, hle: 30}",
    "source_urls": "[https://example.com]",
    "source_quality": "official",
    "as_of": "2026-11-01",
}


def written(write: WriteRegistry, changes: dict[str, str | None], config: str = AUTO) -> Path:
    fields = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return write({"one.yaml": text}, {"auto.yaml": config})


def told(folder: Path, known: Packages = NOBODY) -> list[str]:
    return [
        f"{one.severity} {one.fault.field.split(': ')[-1]}: {one.fault.message}. {one.fault.remedy}"
        for one in judge(folder, known)
    ]


def assert_told(found: Sequence[str], *said: str) -> None:
    assert any(all(part in line for part in said) for line in found), found


def test_a_good_file_is_not_remarked_on(write_registry: WriteRegistry) -> None:
    assert told(written(write_registry, {}), LISTED) == []


LEVELS = (
    "{low: {request: {reasoning_effort: low}, benchmarks: {gpqa_diamond: 80}, output_tokens: {coding: 900}},"
    " high: {request: {reasoning_effort: high}, benchmarks: {gpqa_diamond: 90}, output_tokens: {coding: 3000}}}"
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"input_cost_per_1k": "0.15", "output_cost_per_1k": "0.6"},
            ("error input_cost_per_1k", "0.15 looks like USD a million: 0.00015", "input_cost_per_1m: 0.15"),
            id="a price a million in the field for a thousand",
        ),
        pytest.param(
            {"input_cost_per_1k": "0.0000002", "output_cost_per_1k": "0.000001"},
            ("error input_cost_per_1k", "2e-07 looks like USD a token: 0.0002"),
            id="a price a token",
        ),
        pytest.param(
            {
                "input_cost_per_1k": None,
                "output_cost_per_1k": None,
                "input_cost_per_1m": "0.0002",
                "output_cost_per_1m": "0.0008",
            },
            ("error input_cost_per_1m", "looks like USD a thousand", "Write 0.2"),
            id="a price a thousand in the field for a million",
        ),
        pytest.param(
            {"input_cost_per_1k": "0.01", "output_cost_per_1k": "0.002"},
            ("error input_cost_per_1k", "dearer than the output", "Swap"),
            id="input and output swapped",
        ),
        pytest.param(
            {"input_cost_per_1k": "0", "output_cost_per_1k": "0"},
            ("warning input_cost_per_1k", "free of charge", "price: unknown"),
            id="a price that is not known, written as 0",
        ),
        pytest.param(
            {"cached_input_cost_per_1k": "0.02"},
            ("error cached_input_cost_per_1k", "dearer than input", "Swap"),
            id="cached input dearer than input",
        ),
        pytest.param(
            {"cached_input_cost_per_1k": "0.0005", "cache_write_cost_per_1k": "0.0001"},
            ("error cache_write_cost_per_1k", "cheaper than reading", "Swap"),
            id="writing to the cache cheaper than reading",
        ),
        pytest.param(
            {"benchmarks": "{gpqa_diamond: 0.9, hle: 0.3}"},
            ("error benchmarks.gpqa_diamond", "0.9 looks like a fraction: 90"),
            id="scores as fractions",
        ),
        pytest.param(
            {"benchmarks": "{gpqa_diamond: 0.9, hle: 30}"},
            ("error benchmarks.gpqa_diamond", "looks like a fraction: 90"),
            id="one score as a fraction",
        ),
        pytest.param(
            {"benchmarks": "{gpqa_daimond: 90}"},
            ("warning benchmarks.gpqa_daimond", "Did you mean 'gpqa_diamond'?"),
            id="a misspelt benchmark",
        ),
        pytest.param(
            {"benchmarks": "{gpqa: 90}"},
            ("warning benchmarks.gpqa", "Did you mean 'gpqa_diamond'?"),
            id="a benchmark's name cut short",
        ),
        pytest.param(
            {"benchmarks": "{SWE-bench Verified: 90}"},
            ("warning benchmarks.SWE-bench Verified", "Did you mean 'swe_bench_verified'?"),
            id="a benchmark's name as people write it",
        ),
        pytest.param(
            {
                "default_effort": "low",
                "efforts": "{low: {request: {e: low}, benchmarks: {hle: 30, ifbench: 70, scicode: 40}},"
                " high: {request: {e: high}, benchmarks: {hle: 30, ifbench: 70, scicode: 40}}}",
            },
            ("warning efforts.high.benchmarks", "the same scores as effort low"),
            id="one set of scores for two efforts",
        ),
        pytest.param(
            {"release_date": "2026-11-05"}, ("warning as_of", "before the release"), id="looked up before the release"
        ),
        pytest.param({"input_token_factor": "9"}, ("warning input_token_factor", "usual"), id="an unusual tokenizer"),
        pytest.param(
            {
                "utc_price_overrides": "[{utc_start: '00:00', utc_end: '00:00', utc_days: [monday, tuesday, wednesday, "
                "thursday, friday, saturday, sunday], input_cost_per_1k: 0.003, output_cost_per_1k: 0.01}]"
            },
            ("warning utc_price_overrides.0", "holds at every hour"),
            id="an hour that is all day",
        ),
        pytest.param(
            {"benchmarks": "{our_own_quiz: 90}"},
            ("warning benchmarks.our_own_quiz", "unknown benchmark"),
            id="a benchmark that nobody knows",
        ),
        pytest.param(
            {"benchmarks": "{gpqa_diamond: 9.4}"},
            ("warning benchmarks.gpqa_diamond", "below what guessing gets"),
            id="a decimal point that slipped",
        ),
        pytest.param(
            {"context_length": "128", "max_output_tokens": None},
            ("error context_length", "looks like thousands: 128000"),
            id="a context in thousands",
        ),
        pytest.param(
            {"context_length": "900000000"},
            ("warning context_length", "more than any model holds"),
            id="a context in characters",
        ),
        pytest.param(
            {"max_output_tokens": "64"},
            ("error max_output_tokens", "looks like thousands: 64000"),
            id="an answer's limit in thousands",
        ),
        pytest.param(
            {"max_output_tokens": "400000"},
            ("error max_output_tokens", "more than the context holds (200,000)"),
            id="an answer larger than the context",
        ),
        pytest.param(
            {"max_output_tokens": None, "context_length": "0200000"},
            ("error context_length", "YAML reads 0200000 as 65536", "Write 200000"),
            id="an octal number",
        ),
        pytest.param(
            {"max_output_tokens": "10:00:00"},
            ("error max_output_tokens", "by sixties"),
            id="a number by sixties",
        ),
        pytest.param(
            {"context_length": "0x40000"}, ("warning context_length", "0x40000 is 262144"), id="a hexadecimal number"
        ),
        pytest.param({"as_of": "2999-01-01"}, ("error as_of", "in the future"), id="looked up in the future"),
        pytest.param({"as_of": "1970-01-01"}, ("error as_of", "before there were"), id="looked up in 1970"),
        pytest.param({"as_of": "2024-01-01"}, ("warning as_of", "more than a year ago"), id="looked up long ago"),
        pytest.param({"release_date": "2999-01-01"}, ("warning release_date", "in the future"), id="not yet released"),
        pytest.param({"provider": "other"}, ("warning provider", "Write acme"), id="another provider than the id's"),
        pytest.param({"input_modalities": "[image]"}, ("error input_modalities", "Add text"), id="no text"),
        pytest.param(
            {"parameters_b": "70000000000"}, ("error parameters_b", "Write 70"), id="parameters not in billions"
        ),
        pytest.param({"latency_s": "850"}, ("warning latency_s", "milliseconds: 0.85 s"), id="milliseconds"),
        pytest.param(
            {"latency": "{first_token_s: 850, tokens_per_s: 50}"},
            ("warning latency.first_token_s", "milliseconds: 0.85 s"),
            id="milliseconds to the first token",
        ),
        pytest.param(
            {"expected_output_tokens": "90000"},
            ("error expected_output_tokens", "more than max_output_tokens (64,000)"),
            id="a mean answer above the limit",
        ),
        pytest.param(
            {"output_tokens": "{coding: 900000}"},
            ("warning output_tokens.coding", "a mean above max_output_tokens", "not of a whole benchmark"),
            id="tokens of a whole benchmark",
        ),
        pytest.param(
            {"replaced_by": "acme/nine"}, ("warning replaced_by", "no model has this id"), id="replaced by nothing"
        ),
        pytest.param(
            {"gateway_names": "{openrouter: one}"}, ("warning gateway_names.openrouter", "provider/model"), id="no slug"
        ),
        pytest.param(
            {
                "default_effort": "low",
                "efforts": LEVELS.replace("high: ", "hihg: ").replace(": high", ": hihg"),
            },
            ("warning efforts.hihg", "Did you mean 'high'?"),
            id="a misspelt effort",
        ),
        pytest.param(
            {"default_effort": "low", "efforts": "{high: {request: {x: 1}}, low: {}}"},
            ("error efforts", "not from the least effort to the most", "low, high"),
            id="efforts out of order",
        ),
        pytest.param(
            {"default_effort": "low", "efforts": LEVELS.replace("effort: high", "effort: low")},
            ("error efforts.high.request", "asks for low", "Ask for high"),
            id="an effort that asks for another",
        ),
        pytest.param(
            {"default_effort": "low", "efforts": "{low: {request: {budget: 5}}, high: {request: {budget: 5}}}"},
            ("error efforts.high.request", "asks for the same as effort low"),
            id="two efforts that ask for the same",
        ),
        pytest.param(
            {"default_effort": "low", "efforts": LEVELS.replace("gpqa_diamond: 90", "gpqa_diamond: 60")},
            ("warning efforts.high.benchmarks.gpqa_diamond", "20 points below effort low"),
            id="scores of two efforts mixed up",
        ),
        pytest.param(
            {"default_effort": "low", "efforts": LEVELS.replace("coding: 3000", "coding: 300")},
            ("warning efforts.high.output_tokens.coding", "where effort low writes 900"),
            id="tokens of two efforts mixed up",
        ),
        pytest.param(
            {
                "utc_price_overrides": "[{utc_start: '01:00', utc_end: '02:00', utc_days: [monday], "
                "input_cost_per_1k: 0.002, output_cost_per_1k: 0.01}]"
            },
            ("warning utc_price_overrides.0", "what every other hour costs"),
            id="an hour that costs what the others do",
        ),
        pytest.param(
            {"prices": "[{from: 2027-01-01, input_cost_per_1k: 0.002, output_cost_per_1k: 0.01}]"},
            ("warning prices.0", "changes nothing"),
            id="a new price list that changes nothing",
        ),
    ],
)
def test_a_file_that_is_hardly_meant_is_told_what_was_probably_meant(
    write_registry: WriteRegistry, changes: dict[str, str | None], said: tuple[str, ...]
) -> None:
    assert_told(told(written(write_registry, changes)), *said)


@pytest.mark.parametrize(
    ("read", "wrote", "said"),
    [
        ("0.003", "0.01", ("warning input_cost_per_1k", "3 a million, where litellm says 2")),
        ("0.01", "0.02", ("warning output_cost_per_1k", "20 a million, where litellm says 10")),
        ("0.01", "0.002", ("error input_cost_per_1k", "Swap")),
        ("0.00000205", "0.01", ("error input_cost_per_1k", "looks like USD a token")),
        ("0.0021", "0.01", ("warning input_cost_per_1k", "where litellm says 2")),
    ],
)
def test_prices_are_held_against_the_price_packages(
    write_registry: WriteRegistry, read: str, wrote: str, said: tuple[str, ...]
) -> None:
    folder = written(write_registry, {"input_cost_per_1k": read, "output_cost_per_1k": wrote})
    assert_told(told(folder, LISTED), *said)


def test_a_cheap_models_price_a_million_is_known_by_the_package_alone(write_registry: WriteRegistry) -> None:
    cheap = {"litellm_provider": "acme", "input_cost_per_token": 2e-8, "output_cost_per_token": 8e-8}
    folder = written(write_registry, {"input_cost_per_1k": "0.02", "output_cost_per_1k": "0.08"})
    assert told(folder) == []
    found = told(folder, Packages(False, {"acme/one": cheap}))
    assert_told(found, "error input_cost_per_1k", "0.02 looks like USD a million (litellm says 0.02)")


def test_a_dear_models_price_a_token_is_known_by_the_package_or_by_the_other_models(
    write_registry: WriteRegistry,
) -> None:
    dear = {"litellm_provider": "acme", "input_cost_per_token": 3e-5, "output_cost_per_token": 6e-5}
    folder = written(write_registry, {"input_cost_per_1k": "0.00003", "output_cost_per_1k": "0.00006"})
    assert told(folder) == []
    found = told(folder, Packages(False, {"acme/one": dear}))
    assert_told(found, "error input_cost_per_1k", "3e-05 looks like USD a token: 0.03 (litellm says 30 a million)")
    for i in range(10):
        other = (folder / "models/one.yaml").read_text().replace("acme/one", f"acme/m{i}").replace("0.0000", "0.00")
        (folder / f"models/m{i}.yaml").write_text(other)
    found = told(folder)
    assert_told(found, "warning input_cost_per_1k", "looks like USD a token: 0.03; the cheapest other model costs")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("completion_threshold: 0", ("completion_threshold", "every candidate clears")),
        ("completion_threshold: 1", ("completion_threshold", "no candidate clears")),
        ("policy: value\nworth_usd: 500", ("worth_usd", "such as 5 if these are cents")),
        ("worth_usd: 1", ("worth_usd", "not read by the threshold policy")),
        ("policy: value\nworth_usd: 1\nworth_of_a_second: 5", ("worth_of_a_second", "a dear second")),
    ],
)
def test_a_config_that_is_hardly_meant_is_told_so(
    write_registry: WriteRegistry, config: str, said: tuple[str, ...]
) -> None:
    assert_told(told(written(write_registry, {}, f"{AUTO}{config}\n")), "warning", *said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_cost_per_1k": None, "output_cost_per_1k": None, "price": "unknown"}, "its price is unknown"),
        ({"replaced_by": "acme/one"}, "served by another model by now"),
        ({"benchmarks": "{}"}, "nothing is published of it"),
    ],
)
def test_a_candidate_that_can_hardly_be_chosen_well_is_named(
    write_registry: WriteRegistry, changes: dict[str, str | None], said: str
) -> None:
    assert_told(told(written(write_registry, changes)), "warning models.0", said)


def test_a_candidate_at_an_effort_where_nothing_was_measured_is_named(write_registry: WriteRegistry) -> None:
    efforts = LEVELS.replace(", benchmarks: {gpqa_diamond: 90}", "")
    folder = written(
        write_registry, {"default_effort": "low", "efforts": efforts, "benchmarks": None}, f"{AUTO}efforts: all\n"
    )
    assert_told(told(folder), "warning models.0", "nothing was measured at acme/one@high")
    (folder / "routers/auto.yaml").write_text(AUTO)
    assert told(folder) == []


def test_the_bundled_registry_holds_nothing_that_cannot_be_right() -> None:
    assert [one for one in judge(ROOT / "registry", NOBODY) if one.severity == "error"] == []


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(registry, ["check", *arguments])
    if isinstance(result.exception, RegistryError):
        return 1, result.stdout, "\n".join(f"{fault.field} {fault.message}" for fault in result.exception.faults)
    return result.exit_code, result.stdout, ""


def test_check_fails_on_errors_and_on_warnings_only_when_it_is_to_be_strict(write_registry: WriteRegistry) -> None:
    folder = written(write_registry, {"benchmarks": "{our_own_quiz: 90, gpqa_diamond: 90}"})
    assert run(str(folder))[:2] == (
        0,
        f"warning: {folder}/models/one.yaml:7: benchmarks.our_own_quiz: unknown benchmark (found '90'). "
        "Use a name that predictors know (docs/registry.md lists them); others are not read.\n"
        "1 models and 1 configs, no fault.\n",
    )
    assert run(str(folder), "--strict")[0] == 1
    code, _, faults = run(str(written(write_registry, {"context_length": "128", "max_output_tokens": None})))
    assert code == 1
    assert "models/one.yaml:3: context_length looks like thousands" in faults


def test_check_tells_what_is_implausible_beside_what_cannot_be_read(write_registry: WriteRegistry) -> None:
    folder = written(write_registry, {"context_length": "128", "max_output_tokens": None})
    (folder / "models/two.yaml").write_text("model_id: acme/two\n")
    code, _, faults = run(str(folder))
    assert code == 1
    assert "looks like thousands" in faults
    assert "two.yaml:1: provider" in faults


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": 1}'])
def test_a_price_file_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.json").write_text(text)
    with pytest.raises(RegistryError, match=r"prices\.json: not"):
        packages(tmp_path / "prices.json")


def test_a_price_file_is_read_from_where_it_is_said_to_be(tmp_path: Path) -> None:
    entry = {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    (tmp_path / "prices.json").write_text(json.dumps({"acme/one": entry, "sample_spec": {}}))
    (listing,) = Packages(False, packages(tmp_path / "prices.json").litellm).listings("acme/one")
    assert (listing.package, listing.input, listing.output) == ("litellm", 1.0, 2.0)
