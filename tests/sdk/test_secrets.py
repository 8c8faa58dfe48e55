"""Secret references: what they may look like, where they lead, and that they give nothing away."""

import sys
import types
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pytest
from pydantic import Field

from relight.errors import SecretError
from relight.sdk import Arguments, Call, Failed, Secret, Secrets
from relight.sdk.secrets import SECRET_BYTES_MAX


class Config(Arguments):
    """A configuration with a secret in it."""

    token: Secret
    either: Annotated[Secret | str, Field(union_mode="left_to_right")] = ""


@pytest.mark.parametrize("reference", ["env:A", "file:/a b/c", "keyring:service/name", "vault:a/b#c"])
def test_references_are_told_by_their_scheme(reference: str) -> None:
    """Equal references are equal secrets, and show only where they lead."""
    secret = Config.model_validate({"token": reference}).token
    assert secret == Secret(reference)
    assert {secret, Secret(reference)} == {secret}
    assert repr(secret) == f"Secret({reference!r})"
    assert Config(token=secret).model_dump(mode="json")["token"] == reference


@pytest.mark.parametrize("written", ["hunter2", "env:", "env: A", "ENV:A", "env:A\nB", "http://x", "", 7, None])
def test_a_secret_that_is_written_out_is_refused_and_not_repeated(written: Any) -> None:
    """Whoever wrote the value itself is told how to write a reference, and the value is in no message."""
    with pytest.raises(pydantic.ValidationError) as refused:
        Config.model_validate({"token": written})
    assert "hunter2" not in str(refused.value)
    if isinstance(written, str):
        assert "a secret is a reference: env:NAME" in str(refused.value)


def test_a_value_may_be_a_secret_or_a_text() -> None:
    """Where both will do, what looks like a reference is one."""
    assert Config(token=Secret("env:A"), either="env:B").either == Secret("env:B")
    assert Config(token=Secret("env:A"), either="plain").either == "plain"


def test_the_schema_shows_the_pattern() -> None:
    """An editor can complain before anybody else does."""
    assert Config.model_json_schema()["properties"]["token"]["pattern"].startswith("^(env|file|keyring|vault):")


def test_the_environment_gives_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given out is redacted from then on, and not before."""
    monkeypatch.setenv("RELIGHT_T", "sorrel-9")
    secrets = Secrets()
    assert secrets.redact("sorrel-9") == "sorrel-9"
    assert secrets.reveal(Secret("env:RELIGHT_T")) == "sorrel-9"
    assert secrets.redact("<sorrel-9>") == "<[secret]>"
    assert secrets.redact_bytes(b"\xff sorrel-9") == b"\xff [secret]"


def test_a_file_gives_a_secret_without_its_last_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors end a file with a line end that belongs to nobody; a home directory may be written ``~``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("two\nlines\n")
    assert Secrets().reveal(Secret(f"file:{tmp_path}/token")) == "two\nlines"
    assert Secrets().reveal(Secret("file:~/token")) == "two\nlines"


def test_what_cannot_be_resolved_is_named_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, unreadable, too large, too short, relative: each says so in a sentence."""
    monkeypatch.setenv("RELIGHT_EMPTY", "")
    monkeypatch.setenv("RELIGHT_SHORT", "abc")
    (tmp_path / "large").write_bytes(b"x" * (SECRET_BYTES_MAX + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    monkeypatch.chdir(tmp_path)
    for reference, said in (
        ("env:RELIGHT_NO_SUCH", "the environment has no RELIGHT_NO_SUCH"),
        ("env:RELIGHT_EMPTY", "is empty"),
        ("env:RELIGHT_SHORT", "shorter than 4 characters"),
        (f"file:{tmp_path}/none", "there is no such file"),
        (f"file:{tmp_path}", "there is no such file"),
        (f"file:{tmp_path}/large", "larger than 64 KiB"),
        (f"file:{tmp_path}/binary", "cannot be read"),
        ("file:large", "the path is not absolute"),
        ("vault:a#b", "no vault client"),
    ):
        with pytest.raises(SecretError, match=said) as refused:
            Secrets().reveal(Secret(reference))
        assert reference in refused.value.message
        assert "abc" not in refused.value.message


def test_a_keyring_gives_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring package is asked where it is installed; a back-end that breaks is an error like any other."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretError, match="the keyring package is not installed"):
        Secrets().reveal(Secret("keyring:service/name"))

    def get(service: str, name: str) -> str | None:
        if service == "locked":
            raise RuntimeError("the keyring is locked: sorrel-9")
        return {("service", "name"): "sorrel-9"}.get((service, name))

    module = types.ModuleType("keyring")
    module.get_password = get  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    assert Secrets().reveal(Secret("keyring:service/name")) == "sorrel-9"
    with pytest.raises(SecretError, match="no such entry"):
        Secrets().reveal(Secret("keyring:service/other"))
    with pytest.raises(SecretError, match=r"does not answer \(RuntimeError\)") as refused:
        Secrets().reveal(Secret("keyring:locked/name"))
    assert "sorrel" not in str(refused.value)


def test_json_is_redacted_wherever_the_secret_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """In keys, in lists, and as a number."""
    monkeypatch.setenv("RELIGHT_PIN", "271828")
    secrets = Secrets()
    value = {"a": [1, "x271828y", 271828, 2718281.0, True, None], "271828": {"b": ("271828",)}}
    assert secrets.redact_json(value) is value
    secrets.reveal(Secret("env:RELIGHT_PIN"))
    assert secrets.redact_json(value) == {
        "a": [1, "x[secret]y", "[secret]", "[secret]", True, None],
        "[secret]": {"b": ["[secret]"]},
    }


def test_a_call_that_misses_a_secret_certainly_did_nothing() -> None:
    """To a step it is a failure that trying again does not mend; the message says what does."""
    call = Call(args=None)
    assert call.reveal("plain") == "plain"
    with pytest.raises(Failed, match="the environment has no RELIGHT_NO_SUCH; export RELIGHT_NO_SUCH") as failed:
        call.reveal(Secret("env:RELIGHT_NO_SUCH"))
    assert not failed.value.retry
