"""Files for TLS: each that cannot be used is refused, by the name of its setting, and what is in it is not repeated."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from schema.errors import ConfigError
from schema.tls_files import TlsFiles
from tests.servers.tls import make_certificate


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    cert, key = make_certificate(tmp_path)
    return str(cert), str(key)


def refusal(**files: str) -> str:
    with pytest.raises(ConfigError) as caught:
        TlsFiles(**files, settings="EVENTIDE_X").check()
    return str(caught.value)


def test_servers_are_verified_from_tls_1_2_on(pair: tuple[str, str]) -> None:
    for files in (TlsFiles(), TlsFiles(*pair[:1], *pair)):
        context = files.client_context()
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_certificate_and_key_may_be_in_one_file(pair: tuple[str, str], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text("".join(Path(file).read_text() for file in pair))
    TlsFiles(cert=str(both)).check()


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_a_file_that_is_not_there(name: str, pair: tuple[str, str]) -> None:
    said = refusal(**{"cert": pair[0], name: "/no/such/file"})
    assert f"EVENTIDE_X_{name.upper()}" in said
    assert "/no/such/file" in said


def test_a_key_without_its_certificate(pair: tuple[str, str]) -> None:
    assert "EVENTIDE_X_CERT" in refusal(key=pair[1])


def test_a_key_of_another_certificate(pair: tuple[str, str], tmp_path: Path) -> None:
    _, other = make_certificate(tmp_path / "other")
    assert "the key is not the certificate's" in refusal(cert=pair[0], key=str(other))


def test_a_file_of_something_else(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no certificate")
    assert str(file) in refusal(ca=str(file))
    assert str(file) in refusal(cert=str(file))


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_what_should_be_in_a_file_is_not_repeated(name: str, pair: tuple[str, str]) -> None:
    content = Path(pair[1]).read_text()
    said = refusal(**{"cert": pair[0], name: content})
    assert f"EVENTIDE_X_{name.upper()}" in said
    assert content.splitlines()[1] not in said


def test_a_key_with_a_passphrase_asks_nobody(pair: tuple[str, str], tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as forms

    key = forms.load_pem_private_key(Path(pair[1]).read_bytes(), None)
    locked, kind = forms.BestAvailableEncryption(b"secret"), forms.PrivateFormat.PKCS8
    (tmp_path / "locked.pem").write_bytes(key.private_bytes(forms.Encoding.PEM, kind, locked))
    assert "EVENTIDE_X_KEY" in refusal(cert=pair[0], key=str(tmp_path / "locked.pem"))
