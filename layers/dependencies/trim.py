"""Takes out of an installed folder what serving never reads: `python trim.py FOLDER`.

Runs on any Python 3.11 or later and needs nothing installed. tests/sam runs what is left.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_OTHER_UTILITIES = (
    "auth_alpha",
    "batch",
    "circuit_breaker",
    "data_masking",
    "feature_flags",
    "idempotency",
    "kafka",
    "parameters",
    "parser",
    "streaming",
    "validation",
)
# Folders and files that only converters, trainers, compilers and tests use.
UNUSED = (
    "bin",
    "onnxruntime/transformers",
    "onnxruntime/tools",
    "onnxruntime/quantization",
    "onnxruntime/backend",
    "onnxruntime/datasets",
    # A second copy for C programs; the module for Python has its own.
    "onnxruntime/capi/libonnxruntime.so.*",
    "numpy/f2py",
    "numpy/_pyinstaller",
    "numpy/doc",
    "numpy/distutils",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/random/lib",
    "numpy/random/_examples",
    "**/tests",
    "**/__pycache__",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.a",
    "**/*.md",
    "**/py.typed",
    # Powertools' other utilities, and boto3's resources: only its clients are used.
    *(f"aws_lambda_powertools/utilities/{name}" for name in _OTHER_UTILITIES),
    "aws_lambda_powertools/event_handler",
    "boto3/examples",
    "boto3/data/*",
    "fastapi/.agents",
    "wrapt-stubs",
)
# botocore describes 400 services; these are the ones that a function calls.
SERVICES = ("dynamodb", "s3", "secretsmanager", "sts", "xray")


def trim(folder: Path) -> None:
    """Delete what is not needed and strip what is left of symbols."""
    for path in [*unused(folder), *other_services(folder / "botocore/data")]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    for info in folder.glob("*.dist-info"):
        for path in info.rglob("*"):
            # Versions are asked for by name, and licences travel with what they are for.
            if path.is_file() and path.name != "METADATA" and "licen" not in str(path).lower():
                path.unlink()
    strip(folder)


def unused(folder: Path) -> Iterator[Path]:
    for pattern in UNUSED:
        yield from sorted(folder.glob(pattern))


def other_services(data: Path) -> Iterator[Path]:
    for path in sorted(data.glob("*")):
        if path.is_dir() and path.name not in SERVICES:
            yield path


def strip(folder: Path) -> None:
    """Symbols out of the shared libraries, where the tool is there; numpy's own helpers do not survive it."""
    if not shutil.which("strip"):
        print("trim.py: no `strip` on this machine; the layer is some megabytes larger.", file=sys.stderr)
        return
    for path in sorted(folder.rglob("*.so*")):
        if path.is_file() and not path.is_symlink() and "numpy.libs" not in path.parts:
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
