"""TypeScript's types of the API, from the API's own description, so that the two never disagree.

`make typescript` writes those of the client, clients/typescript/src/api.ts; the page's modules are checked against the
same ones.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pointsman.compose import open_app, open_router
from pointsman.history.sqlite import SqliteHistory
from pointsman.router import Router
from pointsman.settings import Settings

CLIENT = Path(__file__).resolve().parent.parent / "clients/typescript"
TARGET = CLIENT / "src/api.ts"
# Fields with a default may be left out.
FLAGS = ("--default-non-nullable", "false", "--alphabetize")


def description(router: Router, folder: Path) -> dict[str, Any]:
    """The description of a whole service. A service has its own configs and version, so it names none here."""
    history = SqliteHistory(folder / "history.db")
    document = open_app(Settings(), router=router, history=history).openapi()
    history.close()
    del document["components"]["schemas"]["RouteRequest"]["properties"]["config"]["enum"]
    document["info"]["version"] = ""
    return document


def types(router: Router, tools: Path) -> str:
    """The text of a module of types, made by the openapi-typescript that is installed in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        file.write_text(json.dumps(description(router, Path(folder))), encoding="utf-8")
        made = Path(folder) / "api.ts"
        program = str(tools / "node_modules/.bin/openapi-typescript")
        subprocess.run([program, *FLAGS, str(file), "--output", str(made)], check=True, capture_output=True)
        return "// Written by scripts/client_types.py from the description of the API.\n" + made.read_text("utf-8")


if __name__ == "__main__":
    TARGET.write_text(types(open_router(Settings()), CLIENT), encoding="utf-8")
