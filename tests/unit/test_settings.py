"""Settings: what an operator sets is what holds, and names of before are still read."""

import logging

import pytest
from pointsman.settings import StorePrompts, load_settings


def test_a_setting_of_before_is_still_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PROMPT_LOGGING", "hash")
    monkeypatch.setenv("LOG_PROMPTS", "false")
    with caplog.at_level(logging.WARNING):
        settings = load_settings()
    assert (settings.store_prompts, settings.log_prompts) == (StorePrompts.HASH, False)
    assert "PROMPT_LOGGING is called POINTSMAN_STORE_PROMPTS now" in caplog.text
    assert "LOG_PROMPTS is called POINTSMAN_LOG_PROMPTS now" in caplog.text


def test_the_name_of_today_wins_over_the_one_of_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PROMPT_LOGGING", "hash")
    monkeypatch.setenv("POINTSMAN_STORE_PROMPTS", "view")
    assert load_settings().store_prompts is StorePrompts.VIEW
    assert caplog.text == ""
