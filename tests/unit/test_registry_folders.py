"""A registry folder as people and systems leave it: every file is loaded, or refused by its name."""

import os
from pathlib import Path

import pytest
from pointsman.errors import RegistryError, UnknownModel
from pointsman.registry import load_registry

from tests.conftest import ROOT, WriteRegistry, model_yaml

AUTO = "name: auto\ndescription: all\nmodels: [acme/one]\n"


@pytest.fixture
def folder(write_registry: WriteRegistry) -> Path:
    """A registry of one model and one config."""
    return write_registry({"one.yaml": model_yaml("acme/one")}, {"auto.yaml": AUTO})


def refused(folder: Path) -> dict[str, str]:
    with pytest.raises(RegistryError) as raised:
        load_registry(folder)
    return {f.field.removeprefix(f"{folder}/"): f"{f.message} | {f.remedy}" for f in raised.value.faults}


@pytest.mark.parametrize("name", ["two.YAML", "two.Yml", "two.yml", "acme/two.yaml", "a/b/c/two.yaml", "two.v2.yaml"])
def test_any_spelling_of_the_suffix_and_any_subfolder_is_loaded(folder: Path, name: str) -> None:
    path = folder / "models" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(model_yaml("acme/two"))
    assert list(load_registry(folder).models) == ["acme/one", "acme/two"]


def test_a_subfolder_that_is_a_link_is_loaded_and_one_that_leads_back_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/two.yaml").write_text(model_yaml("acme/two"))
    (folder / "models/linked").symlink_to(tmp_path / "elsewhere")
    assert "acme/two" in load_registry(folder).models
    (tmp_path / "elsewhere/back").symlink_to(folder / "models")
    assert "holds it" in refused(folder)["models/linked/back"]


@pytest.mark.parametrize(
    "name",
    [
        *("._one.yaml", ".#one.yaml", "#one.yaml#", "one.yaml~", ".one.yaml.swp", ".~lock.one.yaml#"),
        *("one.yaml.bak", "one.yaml.orig", "one.json", "one.toml", "one.yaml.txt", "one", ".one", "notes.md"),
        *("acme/._one.yaml", "acme/one.yaml.tmp"),
    ],
)
@pytest.mark.parametrize("kind", ["models", "routers"])
def test_what_is_no_registry_file_is_refused_by_name(folder: Path, kind: str, name: str) -> None:
    path = folder / kind / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x00\x05\x16\x07")
    assert list(refused(folder)) == [f"{kind}/{name}"]


def test_the_lock_of_an_editor_that_links_to_nothing_is_refused_by_name(folder: Path) -> None:
    (folder / "models/.#one.yaml").symlink_to("somebody@machine.1234:5678")
    assert "editor" in refused(folder)["models/.#one.yaml"]


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("nothing"), os.mkfifo])
def test_a_name_without_a_file_behind_it_is_refused_and_never_waited_for(folder: Path, make: object) -> None:
    assert callable(make)
    make(folder / "models/two.yaml")
    assert "not a plain file" in refused(folder)["models/two.yaml"]


@pytest.mark.parametrize("name", ["two.yaml", "model/two.yaml", "Models.yaml", "notes.txt"])
def test_a_file_beside_the_two_folders_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(model_yaml("acme/two"))
    assert "Move it into models/ or routers/" in refused(folder)[name.split("/")[0]]


@pytest.mark.parametrize("name", ["README.md", "LICENSE", ".gitkeep", ".DS_Store", "models/README", "routers/.gitkeep"])
def test_what_people_and_systems_put_beside_files_is_no_fault(folder: Path, name: str) -> None:
    digest = load_registry(folder).digest
    (folder / name).write_bytes(b"\x00 anything")
    assert load_registry(folder).digest == digest


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("benchmarks: &it {more: *it}\n", 1),
        ("model_id: x\naliases: &it\n  - one\n  - *it\n", 3),
        ("&all\nmodel_id: x\nself: *all\n", 1),
        ("a: &a {b: &b [*a]}\n", 1),
    ],
)
def test_yaml_that_refers_to_itself_is_refused_by_name_and_line(folder: Path, text: str, line: int) -> None:
    (folder / "models/two.yaml").write_text(text)
    (where,) = refused(folder)
    assert where.startswith("models/two.yaml:")
    assert "refers to itself" in refused(folder)[where]
    assert abs(int(where.rpartition(":")[2]) - line) <= 1


def test_yaml_that_grows_beyond_measure_is_refused_at_once(folder: Path) -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 40)]
    (folder / "models/two.yaml").write_text("l0: &l0 [x]\n" + "\n".join(levels))
    assert any("unknown field" in said for said in refused(folder).values())


@pytest.mark.parametrize("text", ["[" * 50_000, "- " * 20_000, "a: " + "{b: " * 20_000, "x: " + "!!set " * 5_000])
def test_yaml_of_endless_levels_is_refused_by_name(folder: Path, text: str) -> None:
    (folder / "models/two.yaml").write_text(text)
    assert all(where.startswith("models/two.yaml") for where in refused(folder))


def test_an_anchor_that_is_used_twice_is_no_fault(folder: Path) -> None:
    text = model_yaml("acme/two", more="utc_price_overrides:\n  - &w {utc_start: '01:00', utc_end: '02:00',")
    text += "utc_days: &d [monday], input_cost_per_1k: 1, output_cost_per_1k: 1}\n"
    text += "  - {utc_start: '03:00', utc_end: '04:00', utc_days: *d, input_cost_per_1k: 1, output_cost_per_1k: 1}\n"
    (folder / "models/two.yaml").write_text(text)
    assert len(load_registry(folder).models["acme/two"].utc_price_overrides) == 2


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf%s", b"%s"])
def test_marks_and_line_ends_change_nothing(folder: Path, raw: bytes) -> None:
    digest = load_registry(folder).digest
    path = folder / "models/one.yaml"
    path.write_bytes((raw % path.read_bytes()).replace(b"\n", b"\r\n"))
    assert load_registry(folder).digest == digest


def test_names_that_only_their_letter_case_tells_apart_are_refused(folder: Path) -> None:
    (folder / "models/two.yaml").write_text(model_yaml("acme/two", more="aliases: [ACME/One]"))
    assert "letter case" in refused(folder)["models/two.yaml:10: aliases.0"]


def test_a_name_in_another_letter_case_is_refused_with_the_right_one(folder: Path) -> None:
    with pytest.raises(UnknownModel, match="Did you mean 'acme/one'"):
        load_registry(folder).model("ACME/ONE")


def test_the_digest_of_a_flat_folder_is_the_one_it_always_was() -> None:
    import hashlib

    files = [path for kind in ("models", "routers") for path in sorted((ROOT / "registry" / kind).glob("*.yaml"))]
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.parent.name}/{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    assert load_registry(ROOT / "registry").digest == total.hexdigest()


def test_a_folder_with_the_name_of_a_file_is_refused_by_its_name(folder: Path) -> None:
    (folder / "models/two.yaml").mkdir()
    assert refused(folder) == {
        "models/two.yaml": "a folder with the name of a file | Rename it, or put the file there."
    }


def test_a_date_that_no_calendar_has_is_told_with_its_line_and_as_written(folder: Path) -> None:
    text = (folder / "models/one.yaml").read_text().replace("2026-01-01", "2031-02-30")
    (folder / "models/one.yaml").write_text(text)
    line = text.splitlines().index("as_of: 2031-02-30") + 1
    (place, words), *_ = refused(folder).items()
    assert place == f"models/one.yaml:{line}"
    assert words.startswith("2031-02-30: day")


def test_one_fault_hides_no_other_of_the_same_file(folder: Path) -> None:
    (folder / "routers/auto.yaml").write_text(
        "name: auto\ndescription: all\nmax_k: many\nmodels: [acme/nobody, acme/one]\nworth_usd: 1\npolicy: threshold\n"
    )
    assert {"routers/auto.yaml:3: max_k", "routers/auto.yaml:4: models.0"} <= set(refused(folder))


def test_a_model_file_with_faults_is_no_fault_of_the_configs_that_name_it(folder: Path) -> None:
    wrong = (folder / "models/one.yaml").read_text().replace("context_length: 100000", "context_length: many")
    (folder / "models/one.yaml").write_text(wrong)
    assert {place.partition(":")[0] for place in refused(folder)} == {"models/one.yaml"}
    (folder / "models/one.yaml").write_text("model_id: [acme")
    assert {place.partition(":")[0] for place in refused(folder)} == {"models/one.yaml"}


def test_a_model_that_cannot_be_read_is_not_taken_for_the_one_with_the_nearest_name(
    write_registry: WriteRegistry,
) -> None:
    models = {"acme--one.yaml": "model_id: [acme", "acme--one-b.yaml": model_yaml("acme/one-b")}
    config = "name: auto\ndescription: all\nmodels: [acme/one@low, acme/one@high, acme/one-b]\n"
    folder = write_registry(models, {"auto.yaml": config})
    assert {place.partition(":")[0] for place in refused(folder)} == {"models/acme--one.yaml"}


def test_what_yaml_takes_for_text_is_told_as_a_plain_number(folder: Path) -> None:
    text = (folder / "models/one.yaml").read_text().replace("input_cost_per_1k: 0.001000", "input_cost_per_1k: 9e-5")
    (folder / "models/one.yaml").write_text(text)
    assert "not a number | Write a plain number: 0.00009 (YAML reads 9e-5 as text)." in refused(folder).values()
