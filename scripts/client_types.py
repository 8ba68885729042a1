"""`make typescript`: clients/typescript/src/api.ts from the API's own description, so that the two never disagree."""

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
# Fields with a default may be left out of a request.
COMMAND = (str(CLIENT / "node_modules/.bin/openapi-typescript"), "--default-non-nullable", "false", "--alphabetize")


def description(router: Router, folder: Path) -> dict[str, Any]:
    """The description of a whole service. A service has its own configs and version, so it names none here."""
    history = SqliteHistory(folder / "history.db")
    document = open_app(Settings(), router=router, history=history).openapi()
    history.close()
    del document["components"]["schemas"]["RouteRequest"]["properties"]["config"]["enum"]
    document["info"]["version"] = ""
    return document


def types(router: Router) -> str:
    """The text of src/api.ts."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        file.write_text(json.dumps(description(router, Path(folder))), encoding="utf-8")
        made = Path(folder) / "api.ts"
        subprocess.run([*COMMAND, str(file), "--output", str(made)], check=True, capture_output=True)
        return "// Written by `make typescript` from the description of the API.\n" + made.read_text("utf-8")


if __name__ == "__main__":
    TARGET.write_text(types(open_router(Settings())), encoding="utf-8")
