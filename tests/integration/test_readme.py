"""The README tells the truth: its request gets its answer."""

import json
import re

import pytest
from pointsman.router import Router

from tests.conftest import ROOT


def test_the_request_of_the_readme_gets_the_answer_of_the_readme(real_router: Router) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    request = json.loads(re.findall(r"-d '(\{.*?\})'", text)[0])
    shown = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    answered = real_router.decide(**request).to_dict()
    for name in ("config", "selected", "reason", "explanation", "completion_threshold", "strongest"):
        assert answered[name] == shown[name]
    for name in ("difficulty", "expected_quality", "cost"):
        assert answered[name] == pytest.approx(shown[name], rel=1e-4)
    assert [candidate["model_id"] for candidate in answered["candidates"]] == [
        candidate["model_id"] for candidate in shown["candidates"]
    ]
