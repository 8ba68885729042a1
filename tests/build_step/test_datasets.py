"""Datasets together: what `--dataset` says, what is published about models, and how several become one."""

import json
from pathlib import Path

import numpy as np
import pytest
from pointsman.errors import RegistryError

from artifacts_build.datasets import (
    KINDS,
    DatasetSpec,
    Profile,
    Profiles,
    held_out,
    load_datasets,
    parse_dataset,
    read_profiles,
)
from artifacts_build.datasets.join import groups_of
from artifacts_build.errors import DatasetError
from tests.conftest import WriteRegistry, model_yaml


def write_rows(path: Path, *rows: tuple[str, str, str, float], **more: object) -> str:
    """A rows file of (prompt_id, prompt, model_id, score); gives its `--dataset`."""
    names = ("prompt_id", "prompt", "model_id", "score")
    path.write_text("".join(json.dumps({**dict(zip(names, row, strict=True)), **more}) + "\n" for row in rows))
    return f"rows:{path}"


def test_a_dataset_is_a_kind_and_a_path() -> None:
    assert parse_dataset("rows:a/b.jsonl") == DatasetSpec("rows", Path("a/b.jsonl"), "b")


def test_options_stand_behind_commas_and_other_commas_are_the_paths() -> None:
    spec = parse_dataset("agentic:a,b=c/d,weight=0.5,name=x,tasks=t.jsonl")
    assert spec == DatasetSpec("agentic", Path("a,b=c/d"), "x", 0.5, Path("t.jsonl"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows.jsonl", "is not a kind of dataset"),
        ("row:a", "Did you mean 'rows'?"),
        ("llmrouter:a", "Did you mean 'llmrouterbench'?"),
        ("rows:", "there is no path"),
        ("rows:,weight=1", "there is no path"),
        ("rows:a,weight=0", "not a number above 0"),
        ("rows:a,weight=nan", "not a number above 0"),
        ("rows:a,weight=heavy", "not a number above 0"),
        ("rows:a,weight=1,weight=2", "weight is given twice"),
        ("rows:a,tasks=b", "kind agentic only"),
        ("rows:a,name=", "is empty or has a slash"),
        ("rows:a,name=x/y", "is empty or has a slash"),
    ],
)
def test_a_dataset_that_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(DatasetError) as raised:
        parse_dataset(text)
    assert said in raised.value.detail
    assert text in raised.value.detail


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_refuses_what_is_not_there_and_what_is_empty(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for name, said in (("nowhere", "no such file"), ("empty", "empty")):
        with pytest.raises(DatasetError) as raised:
            load_datasets([parse_dataset(f"{kind}:{tmp_path / name}")], Profiles())
        assert str(tmp_path / name) in raised.value.detail
        assert said in raised.value.detail


@pytest.mark.parametrize("kind", ["routerbench", "history"])
def test_a_folder_where_a_file_is_expected_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="a folder, where a file is expected"):
        load_datasets([parse_dataset(f"{kind}:{tmp_path}")], Profiles())


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_kind_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes\nand no data\n")
    with pytest.raises(DatasetError) as raised:
        load_datasets([parse_dataset(f"{kind}:{tmp_path / 'notes.txt'}")], Profiles())
    assert "notes.txt" in raised.value.detail
    assert "\n" not in raised.value.detail


def test_several_datasets_are_joined_in_their_order(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "one.jsonl", ("p", "A?", "m2", 1), ("p", "A?", "m1", 0))
    two = write_rows(tmp_path / "two.jsonl", ("p", "B?", "m2", 0.5), ("p", "B?", "m3", 1), weight=4)
    data = load_datasets([parse_dataset(one), parse_dataset(f"{two},weight=0.5")], Profiles())
    assert data.prompt_ids == ["one/p", "two/p"]
    assert data.prompt_source.tolist() == ["one", "two"]
    assert data.model_ids == ["m1", "m2", "m3"]
    assert data.response_prompt.tolist() == [0, 0, 1, 1]
    assert data.response_model.tolist() == [1, 0, 1, 2]
    assert data.weight.tolist() == [1, 1, 2, 2]
    assert len(set(data.prompt_ids)) == 2


def test_two_datasets_of_one_name_are_refused(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "one.jsonl", ("p", "A?", "m", 1))
    with pytest.raises(DatasetError, match="name=NAME"):
        load_datasets([parse_dataset(one), parse_dataset(one)], Profiles())


def test_no_dataset_is_refused() -> None:
    with pytest.raises(DatasetError, match="--dataset KIND:PATH"):
        load_datasets([], Profiles())


def test_the_same_prompt_in_two_datasets_is_never_split(tmp_path: Path) -> None:
    texts = [f"Question number {i}?" for i in range(200)]
    one = write_rows(tmp_path / "one.jsonl", *((f"a{i}", text, "m", 1) for i, text in enumerate(texts)))
    two = write_rows(
        tmp_path / "two.jsonl", *((f"b{i}", f"  {text.upper()}\n", "m", 0) for i, text in enumerate(texts))
    )
    data = load_datasets([parse_dataset(one), parse_dataset(two)], Profiles())
    test = held_out(data.prompt_group, seed=1)
    assert (test[:200] == test[200:]).all()
    assert 0 < test.sum() < 400


def test_a_key_and_a_text_join_groups_whatever_the_order() -> None:
    texts, keys = ["a", "b", "B", "c", "d"], ["k2", "k1", "", "k2", ""]
    groups = groups_of(texts, keys)
    assert groups[0] == groups[3] == "k2"
    assert groups[1] == groups[2] == "k1"
    assert groups[4] not in ("k1", "k2", "")
    assert groups_of(texts[::-1], keys[::-1]).tolist() == groups[::-1].tolist()


def test_a_group_may_be_joined_by_way_of_a_third() -> None:
    assert len(set(groups_of(["a", "b", "A", "B"], ["k1", "k2", "k3", "k3"]))) == 1


def test_prompts_without_keys_keep_their_group_when_others_come() -> None:
    assert groups_of(["a", "b"], ["", ""])[0] == groups_of(["x", "a"], ["k", ""])[1]


def test_the_same_input_gives_the_same_arrays(tmp_path: Path) -> None:
    text = write_rows(tmp_path / "one.jsonl", *((f"p{i % 7}", f"{i % 7}?", f"m{i % 3}", i % 2) for i in range(21)))
    one, two = (load_datasets([parse_dataset(text)], Profiles()) for _ in range(2))
    assert one.prompt_ids == two.prompt_ids
    for name in ("response_prompt", "response_model", "score", "prompt_group"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_scores_come_from_the_registry_by_id_and_alias(write_registry: WriteRegistry) -> None:
    folder = write_registry(
        {"m.yaml": model_yaml("acme/m", gpqa=80, more="aliases: [m]")},
        {"auto.yaml": "name: auto\ndescription: all\nmodels: [m]\n"},
    )
    profiles = read_profiles(folder, None)
    for name in ("acme/m", "m"):
        assert profiles.of(name).base_model == "acme/m"
        assert profiles.of(name).gpqa_diamond == pytest.approx(0.8)
        assert np.isnan(profiles.of(name).livecodebench)
    assert profiles.of("unknown") == Profile("unknown", profiles.of("unknown").gpqa_diamond)


def test_a_models_file_wins_over_the_registry(write_registry: WriteRegistry, tmp_path: Path) -> None:
    folder = write_registry(
        {"m.yaml": model_yaml("acme/m", gpqa=80)}, {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/m]\n"}
    )
    (tmp_path / "models.csv").write_text("model_id,base_model,gpqa_diamond,livecodebench\nacme/m,m-base,10,20\n")
    assert read_profiles(folder, tmp_path / "models.csv").of("acme/m") == Profile("m-base", 0.1, 0.2)


def test_a_faulty_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError):
        read_profiles(tmp_path, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"model_id,base_model\na,a\n", ":1: the column gpqa_diamond, livecodebench is missing"),
        (b"model_id,base_model,gpqa_diamond,livecodebench\na,a,150,\n", ":2: gpqa_diamond: '150' is not a percentage"),
        (b"model_id,base_model,gpqa_diamond,livecodebench\na,a,,high\n", ":2: livecodebench: 'high' is not"),
        (b"model_id,base_model,gpqa_diamond,livecodebench\na,a,nan,\n", ":2: gpqa_diamond: 'nan' is not"),
        (b"model_id,base_model,gpqa_diamond,livecodebench\na,a,1,1\na,a,1,1\n", ":3: model_id: 'a' is there twice"),
        (b"model_id,base_model,gpqa_diamond,livecodebench\n,a,1,1\n", ":2: model_id: it is empty"),
        (b"model_id,base_model,gpqa_diamond,livecodebench\na,caf\xe9,1,1\n", ":2: not UTF-8"),
        (b"", "the file is empty"),
    ],
)
def test_a_faulty_models_file_is_refused_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "models.csv").write_bytes(content)
    with pytest.raises(DatasetError) as raised:
        read_profiles(None, tmp_path / "models.csv")
    assert str(tmp_path / "models.csv") in raised.value.detail
    assert said in raised.value.detail


def test_a_system_has_no_capability_even_where_someone_gives_it_scores(tmp_path: Path) -> None:
    text = write_rows(tmp_path / "a.jsonl", ("p", "A?", "agent:x", 1), ("p", "A?", "m", 1), ("p", "A?", "who", 0))
    profiles = Profiles({"agent:x": Profile("x", 0.9, 0.9), "m": Profile("m", 0.4)})
    data = load_datasets([parse_dataset(text)], profiles)
    assert data.model_ids == ["agent:x", "m", "who"]
    assert np.isnan(data.capability[[0, 2]]).all()
    assert data.capability[1] == pytest.approx(0.4)
    assert data.scored().tolist() == [False, True, False]
