"""``schema/settings.py``: where a value comes from, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schema.errors import ConfigError
from schema.settings import PREFIX, Settings, markdown_table, read_settings

NAMES = list(Settings.model_fields)
EXAMPLES: dict[type, tuple[str, str]] = {int: ("16777217", "16777218"), float: ("0.25", "0.5"), bool: ("true", "true")}
CHOICES = {"ack": ("visible", "durable"), "log_level": ("debug", "error"), "web_login": ("keys", "name")}
CHOICES |= dict.fromkeys(("port", "files_port"), ("1024", "1025")) | dict.fromkeys(("dlq_max_ratio",), ("0.25", "1.0"))
CHOICES |= {"kafka_security_protocol": ("SSL", "SASL_SSL"), "kafka_sasl_mechanism": ("PLAIN", "OAUTHBEARER")}
CHOICES |= dict.fromkeys(("readers", "kafka_partitions"), ("5", "6"))


def examples(name: str) -> tuple[str, str]:
    """Two texts that a setting takes."""
    annotation: Any = Settings.model_fields[name].annotation
    return CHOICES.get(name) or EXAMPLES.get(annotation) or ("one", "other")


def shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value).lower()


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert f"| `{PREFIX}{name.upper()}` |" in markdown_table()
    assert not field.is_required()


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_comes_from_a_flag_then_the_environment_then_its_default(name: str) -> None:
    variable, (first, second) = PREFIX + name.upper(), examples(name)
    assert shown(read_settings({variable: first}, {}), name) == first.lower()
    assert shown(read_settings({variable: first}, {name: second}), name) == second.lower()
    assert shown(read_settings({variable: first}, {name: None}), name) == first.lower()
    assert read_settings({}, {}) == Settings()


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    variable, (first, second) = PREFIX + name.upper(), examples(name)
    file = tmp_path / "value"
    file.write_text(f" {first}\n")
    assert shown(read_settings({f"{variable}_FILE": str(file)}, {}), name) == first.lower()
    assert shown(read_settings({f"{variable}_FILE": str(file), variable: second}, {}), name) == second.lower()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="EVENTIDE_TOKEN_SECRET_FILE"):
        read_settings({"EVENTIDE_TOKEN_SECRET_FILE": str(tmp_path / "none")}, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "x"),
        ("port", "-1"),
        ("port", "65536"),
        ("ack", "maybe"),
        ("log_level", "loud"),
        ("max_body_bytes", "1"),
        ("kafka_partitions", "0"),
        ("drain_seconds", "-1"),
        ("validate_plots", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(name: str, value: str) -> None:
    for environment, flags in (({PREFIX + name.upper(): value}, {}), ({}, {name: value})):
        with pytest.raises(ConfigError, match=PREFIX + name.upper()):
            read_settings(environment, flags)


def test_other_variables_are_not_ours() -> None:
    assert read_settings({"PORT": "x", "EVENTIDEPORT": "x", "EVENTIDE_UNKNOWN": "x"}, {}) == Settings()


@pytest.mark.parametrize("name", ["secret_key", "token_secret", "clickhouse_url"])
def test_secrets_are_not_printed(name: str) -> None:
    settings = read_settings({PREFIX + name.upper(): "hush-hush"}, {})
    assert "hush-hush" not in f"{settings!r} {settings}"


@pytest.mark.parametrize("name", ["secret_key", "token_secret", "clickhouse_url"])
def test_a_wrong_setting_does_not_print_another_ones_secret(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({PREFIX + name.upper(): "hush-hush", "EVENTIDE_PORT": "x"}, {})
    assert "hush-hush" not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 5  # type: ignore[misc]


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_file_without_a_text_is_refused(content: bytes, tmp_path: Path) -> None:
    """An empty secret would count as not set, and another one would be made."""
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ConfigError, match="EVENTIDE_TOKEN_SECRET_FILE"):
        read_settings({"EVENTIDE_TOKEN_SECRET_FILE": str(tmp_path / "secret")}, {})


def test_an_empty_variable_leaves_it_to_the_file(tmp_path: Path) -> None:
    """Compose files and charts pass on variables that nobody has set as empty ones."""
    (tmp_path / "secret").write_text("hush-hush")
    given = {"EVENTIDE_TOKEN_SECRET_FILE": str(tmp_path / "secret"), "EVENTIDE_TOKEN_SECRET": ""}
    assert read_settings(given, {}).token_secret.get_secret_value() == "hush-hush"
