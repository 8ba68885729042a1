"""Settings: what an operator sets is what holds, and names of before are still read."""

import logging

import pytest
from pointsman.errors import SettingsError
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


@pytest.mark.parametrize("value", ["1_0", " 5", "5.0", "٥", "1e1", "", "many", "0x5"])
@pytest.mark.parametrize("variable", ["POINTSMAN_THREADS", "POINTSMAN_RETENTION_DAYS", "POINTSMAN_MAX_PROMPT_BYTES"])
def test_a_number_is_plain_digits_or_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"{variable}=.*not a whole number"):
        load_settings()


def test_a_misspelt_setting_is_told_and_a_strangers_is_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POINTSMAN_RETENTON_DAYS", "5")
    monkeypatch.setenv("POINTSMAN_REQUIRE_BROWSER", "1")
    with caplog.at_level(logging.WARNING):
        load_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "POINTSMAN_RETENTON_DAYS is no setting and is passed over. Did you mean POINTSMAN_RETENTION_DAYS?"
    ]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("POINTSMAN_TABLE", "my table", "neither the name of a DynamoDB table nor its ARN. Give a name of 3 to 255"),
        ("POINTSMAN_TABLE", "ab", "neither the name of a DynamoDB table nor its ARN"),
        ("POINTSMAN_DYNAMODB_ENDPOINT", "localhost:8000", "not an address. Give a scheme and a host without a path"),
        ("POINTSMAN_DYNAMODB_ENDPOINT", "http://localhost/a/b", "not an address"),
    ],
)
def test_a_text_that_is_not_what_it_must_be_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert str(raised.value).startswith(f"{variable}={value!r} is not valid: {said}")
    assert "^" not in str(raised.value)


@pytest.mark.parametrize("table", ["", "abc", "history-1.2_x", "arn:aws:dynamodb:eu-central-1:1:table/history"])
def test_a_table_is_named_by_name_or_arn_and_an_empty_one_is_none(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    monkeypatch.setenv("POINTSMAN_TABLE", table)
    assert load_settings().table == table
