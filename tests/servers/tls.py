"""TLS in front of a server of the tests: certificates made for the occasion, and a proxy that ends TLS."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.process import free_port


def make_certificate(directory: Path, common_name: str = "127.0.0.1") -> tuple[Path, Path]:
    """Make a certificate of 127.0.0.1 for a day, and who signs it; return its file, which verifies it, and its key's.

    ``common_name``: of whom it is, for certificates of clients.
    """
    directory.mkdir(parents=True, exist_ok=True)
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name(f"authority {secrets.token_hex(4)}")
    root = _built(issuer, issuer, authority, authority, is_authority=True)
    own = _built(_name(common_name), issuer, key, authority, is_authority=False)
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    cert_file.write_bytes(own.public_bytes(pem) + root.public_bytes(pem))
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    key_file.chmod(0o600)  # or PostgreSQL, and its clients, refuse it
    return cert_file, key_file


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _built(subject: x509.Name, issuer: x509.Name, key: Key, signing: Key, *, is_authority: bool) -> x509.Certificate:
    """Return a certificate as strict verifiers want it: rustls takes no authority for a server."""
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), now, now + DAY)
    built = built.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), True)
    built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), False)
    if is_authority:
        built = built.add_extension(KEYS_SIGNED, True)
    else:
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        built = built.add_extension(x509.SubjectAlternativeName([here]), False)
    return built.sign(signing, hashes.SHA256())


Key = ec.EllipticCurvePrivateKey
DAY = datetime.timedelta(days=1)
USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
KEYS_SIGNED = x509.KeyUsage(
    **dict.fromkeys(USES, False), key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
)


@contextmanager
def tls_in_front_of(port: int, directory: Path) -> Iterator[tuple[int, Path]]:
    """Yield a port of 127.0.0.1 that speaks TLS for another one, and the file that verifies its certificate."""
    cert, key = make_certificate(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listening, ended, own = threading.Event(), asyncio.Event(), free_port()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(lambda *ends: _relay(port, *ends), "127.0.0.1", own, ssl=context)
        listening.set()
        await ended.wait()
        server.close()
        relays = asyncio.all_tasks() - {asyncio.current_task()}
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert listening.wait(10)
    try:
        yield own, cert
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)


async def _relay(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    ahead_reader, ahead_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pump(reader, ahead_writer), _pump(ahead_reader, writer))


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()
