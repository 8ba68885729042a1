"""A mistake is told in the same words wherever it is made: by a request, in a file, in a profile, in a setting."""

import re
from pathlib import Path

import pytest
from pointsman.api.request_schemas import RouteRequest
from pointsman.errors import RegistryError, SettingsError
from pointsman.faults import faults_of, first_fault
from pointsman.registry import Model, load_registry
from pointsman.settings import load_settings
from pydantic import BaseModel, Field, ValidationError

from tests.conftest import ROOT, MakeRouter, WriteRegistry, model_yaml

LIBRARY = ROOT / "layers/pointsman/python/pointsman"


def error_of(kind: type[BaseModel], fields: object) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(fields)
    return raised.value


def test_a_number_out_of_range_has_one_remedy_in_a_request_a_file_a_profile_and_a_setting(
    write_registry: WriteRegistry, make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    remedy = "Use a number of at least 1."
    request = faults_of(error_of(RouteRequest, {"prompt": "x", "max_output_tokens": 0}))[0]
    assert (request.field, request.remedy, request.value) == ("max_output_tokens", remedy, "0")

    text = model_yaml("acme/one").replace("context_length: ", "context_length: -")
    folder = write_registry({"one.yaml": text}, {"auto.yaml": "name: auto\ndescription: all\nmodels: [acme/one]\n"})
    with pytest.raises(RegistryError) as in_file:
        load_registry(folder)
    assert remedy in {fault.remedy for fault in in_file.value.faults}

    router = make_router()
    profile = router.registry.model("acme/strong").model_dump()
    with pytest.raises(RegistryError, match=r"context_length: .* Use a number of at least 1") as in_profile:
        router.add_model({**profile, "context_length": 0})
    assert [fault.remedy for fault in in_profile.value.faults] == [remedy]

    monkeypatch.setenv("POINTSMAN_THREADS", "0")
    with pytest.raises(SettingsError, match=r"POINTSMAN_THREADS='0' is not valid: .* at least 1, or unset it"):
        load_settings()


def test_an_unknown_field_is_answered_with_the_fields_there_are(make_router: MakeRouter) -> None:
    router = make_router()
    profile = router.registry.model("acme/strong").model_dump()
    with pytest.raises(RegistryError, match=r"colour: unknown field. Remove it, or use one of: model_id,"):
        router.add_model({**profile, "colour": "red"})


def test_an_unknown_field_further_in_is_not_answered_with_the_fields_at_the_top() -> None:
    class Outer(BaseModel):
        class Inner(BaseModel, extra="forbid"):
            size: int = 0

        inner: Inner

    (fault,) = faults_of(error_of(Outer, {"inner": {"colour": "red"}}), fields=Outer.model_fields)
    assert (fault.field, fault.remedy) == ("inner.colour", "Remove it.")


def test_what_has_no_remedy_of_its_own_says_where_to_look() -> None:
    class Odd(BaseModel):
        place: Path

    (fault,) = faults_of(error_of(Odd, {"place": 5}), see="docs/settings.md describes it")
    assert fault.remedy == "Correct it; docs/settings.md describes it."


def test_a_long_or_broken_value_is_shown_short_and_printable() -> None:
    class Short(BaseModel):
        name: str = Field(max_length=3)

    shown = faults_of(error_of(Short, {"name": "x" * 5000}))[0].value
    assert shown is not None
    assert len(shown) <= 101
    errors = [{"type": "string_type", "loc": ("body", "a\ud800"), "msg": "bad \ud800.", "input": "\ud800"}]
    (fault,) = faults_of(errors, skip=1)
    assert f"{fault.field} {fault.message} {fault.value}".encode()


def test_the_whole_of_a_document_is_not_shown_as_a_value() -> None:
    fault = faults_of(error_of(Model, []))[0]
    assert (fault.field, fault.value) == ("(all)", None)
    assert "give a mapping" in fault.remedy.lower()
    assert first_fault(error_of(Model, [])).startswith("(all): ")


def test_pydantics_errors_are_read_in_one_module_only() -> None:
    readers = [
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if re.search(r"\.errors\(\)", path.read_text(encoding="utf-8")) and path.name != "problems.py"
    ]
    assert readers == ["faults.py"]
