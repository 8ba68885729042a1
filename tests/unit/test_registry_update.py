"""`registry update`: what price packages say goes into the files, comments kept and nothing less trusted taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pointsman.cli.registry import registry
from pointsman.errors import RegistryError
from pointsman.registry import load_registry
from pointsman.registry.packages import Listing, Packages, Tier
from pointsman.registry.update import write_changes

from tests.conftest import ROOT, WriteRegistry

FILE = """\
# What we use most.
model_id: acme/one
provider: acme
aliases: [one]
context_length: 200000

# From the price page.
input_cost_per_1m: 2  # a promotion
output_cost_per_1m: 10
supports: {tools: true}
benchmarks:
  gpqa_diamond: 90  # our own run
source_urls:
  - https://example.com
source_quality: official
as_of: 2026-01-01
"""
AUTO = {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/one]\n"}
Says = Callable[..., None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """What the packages are to say of the model."""

    def say(*listings: Listing) -> None:
        monkeypatch.setattr(Packages, "names", ("one", "two"))
        monkeypatch.setattr(Packages, "listings", lambda *_: list(listings))
        monkeypatch.setattr(Packages, "missing", lambda *_: ["acme/nine"])

    return say


def listing(package: str, **says: Any) -> Listing:
    return Listing(package, "acme/one", **{"input": 2.0, "output": 10.0, **says})


def update(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(registry, ["update", str(folder), *options])


@pytest.fixture
def folder(write_registry: WriteRegistry) -> Path:
    return write_registry({"one.yaml": FILE}, AUTO)


def text(folder: Path) -> str:
    return (folder / "models/one.yaml").read_text()


def test_what_agrees_is_left_byte_for_byte(folder: Path, says: Says) -> None:
    says(listing("one"), listing("two"))
    result = update(folder)
    assert result.stdout.splitlines() == [
        "one and two: 0 of 1 models changed.",
        "1 of their models are not in the registry (--missing lists them).",
    ]
    assert text(folder) == FILE


def test_what_two_packages_say_is_taken_and_the_diff_and_the_loss_of_trust_are_told(folder: Path, says: Says) -> None:
    says(listing("one", input=3.0), listing("two", input=3.0))
    result = update(folder)
    assert "acme/one\n  input_cost_per_1m: 2 -> 3 (one and two)\n" in result.stdout
    assert "source_quality: official -> third_party (the new price)" in result.stdout
    now = text(folder)
    assert "input_cost_per_1m: 3  # a promotion\n" in now
    assert "source_quality: third_party\n" in now
    for kept in ("# What we use most.", "# From the price page.", "gpqa_diamond: 90  # our own run", "aliases: [one]"):
        assert kept in now
    assert "as_of: 2026-01-01" not in now
    assert load_registry(folder).model("one").input_cost_per_1k == 0.003


def test_one_package_against_the_file_is_told_and_not_taken(folder: Path, says: Says) -> None:
    says(listing("one", input=3.0))
    assert "input_cost_per_1m: kept 2, where one says 3 (one package against the file)" in update(folder).stdout
    assert text(folder) == FILE
    assert "input_cost_per_1m: 2 -> 3 (one)" in update(folder, "--accept").stdout
    assert "input_cost_per_1m: 3 " in text(folder)


def test_packages_that_disagree_are_both_told(folder: Path, says: Says) -> None:
    says(listing("one", input=3.0), listing("two", input=4.0))
    assert "kept 2, where one says 3 (the packages disagree: two 4)" in update(folder).stdout
    assert text(folder) == FILE


def test_a_package_that_agrees_with_the_file_outweighs_one_that_does_not(folder: Path, says: Says) -> None:
    says(listing("one", input=3.0), listing("two", input=2.0))
    assert "kept" not in update(folder).stdout


def test_what_the_file_does_not_say_is_filled_in(folder: Path, says: Says) -> None:
    tier = Tier(100_000, 4.0, 15.0, 0.4)
    says(
        listing("one", cached_input=0.2, tiers=(tier,)),
        listing("two", max_output_tokens=64000, supports={"json": False}),
    )
    assert update(folder).exit_code == 0
    model = load_registry(folder).model("one")
    assert (model.cached_input_cost_per_1k, model.max_output_tokens) == (0.0002, 64000)
    assert (model.feature("tools"), model.feature("json"), model.feature("reasoning")) == (True, False, None)
    assert [(one.above, one.input_cost_per_1k, one.cached_input_cost_per_1k) for one in model.long_context] == [
        (100_000, 0.004, 0.0004)
    ]
    lines = text(folder).splitlines()
    assert lines.index("max_output_tokens: 64000") == lines.index("context_length: 200000") + 1
    assert lines.index("# From the price page.") + 1 == lines.index("input_cost_per_1m: 2  # a promotion")


def test_a_feature_that_the_file_knows_otherwise_is_told_and_not_taken(folder: Path, says: Says) -> None:
    says(listing("one", supports={"tools": False}))
    assert "supports.tools: kept True, where one says False" in update(folder).stdout
    assert load_registry(folder).model("one").feature("tools") is True


def test_small_prices_a_thousand_are_written_so_that_yaml_reads_numbers(
    write_registry: WriteRegistry, says: Says
) -> None:
    thousand = FILE.replace("input_cost_per_1m: 2 ", "input_cost_per_1k: 0.002 ").replace("1m: 10", "1k: 0.01")
    folder = write_registry({"one.yaml": thousand}, AUTO)
    says(listing("one", input=0.02), listing("two", input=0.02))
    assert update(folder).exit_code == 0
    assert "input_cost_per_1k: 0.00002 " in text(folder)
    assert load_registry(folder).model("one").input_cost_per_1k == 0.00002


def test_the_price_of_a_dear_hour_or_of_a_day_to_come_is_no_disagreement(
    write_registry: WriteRegistry, says: Says
) -> None:
    later = "prices:\n  - {from: 2027-01-01, input_cost_per_1m: 5, output_cost_per_1m: 20}\n"
    window = (
        "utc_price_overrides: [{utc_start: '01:00', utc_end: '04:00', utc_days: [monday], "
        "input_cost_per_1m: 4, output_cost_per_1m: 12}]\n"
    )
    folder = write_registry({"one.yaml": FILE + later + window}, AUTO)
    for read, wrote in ((5.0, 20.0), (4.0, 12.0)):
        says(listing("one", input=read, output=wrote), listing("two", input=read, output=wrote))
        assert "0 of 1 models changed" in update(folder).stdout


def test_check_writes_nothing_and_fails_where_something_would_change(folder: Path, says: Says) -> None:
    says(listing("one", input=3.0), listing("two", input=3.0))
    result = update(folder, "--check")
    assert isinstance(result.exception, RegistryError)
    assert "Run `pointsman registry update`" in str(result.exception)
    assert text(folder) == FILE
    says(listing("one"))
    assert update(folder, "--check").exit_code == 0


def test_a_value_that_would_make_the_file_wrong_leaves_it_as_it_was(folder: Path, says: Says) -> None:
    says(listing("one", max_output_tokens=10_000_000_000))
    result = update(folder)
    assert isinstance(result.exception, RegistryError)
    assert "left as it is" in str(result.exception)
    assert text(folder) == FILE
    assert [path.name for path in (folder / "models").iterdir()] == ["one.yaml"]


def test_models_that_the_packages_have_and_we_have_not_are_listed(folder: Path, says: Says) -> None:
    says(listing("one"))
    assert "not in the registry: acme/nine\n" in update(folder, "--missing").stdout


def test_a_snapshot_of_a_model_that_is_there_is_not_missing(folder: Path) -> None:
    entry = {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    names = ("acme/one", "acme/one-2026-01-31", "acme/one-latest", "acme/one-mini", "acme/two", "other/three")
    known = Packages(False, {**dict.fromkeys(names, entry), "acme/voice": {**entry, "mode": "audio_speech"}})
    assert known.missing(load_registry(folder).models.values()) == ["acme/one-mini", "acme/two"]


def test_a_name_that_only_begins_alike_is_another_model_to_the_packages() -> None:
    pytest.importorskip("genai_prices")
    known = Packages(True, {})
    assert known.listings("openai/gpt-5.6-sol")[0].name == "gpt-5.6-sol"
    assert known.listings("openai/gpt-5.6-sol-imaginary") == []


def test_without_a_package_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    result = update(folder)
    assert isinstance(result.exception, RegistryError)
    assert "pip install 'pointsman[registry]'" in str(result.exception)


def test_the_bundled_files_are_written_back_as_they_are(tmp_path: Path) -> None:
    for path in sorted((ROOT / "registry/models").glob("*.yaml"))[::8]:
        copy = tmp_path / path.name
        copy.write_text(path.read_text())
        as_of = load_registry(ROOT / "registry").model(path.stem.replace("--", "/")).as_of
        write_changes(copy, [], today=as_of)
        assert copy.read_text() == path.read_text()
