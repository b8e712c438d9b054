"""Whether the brokers let this process in, asked at the start: aiokafka's clients would try for ever, and log no cause.

What a change of the configuration alone can mend is a ConfigError; brokers that are away are not, as they may return.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from ingest.kafka.brokers import Brokers
from schema.errors import ConfigError

ANSWER_SECONDS = 5.0
ALERT_SECONDS = 1.0
AWAY = "away"
NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")


async def check_access(brokers: Brokers) -> None:
    """Raise ConfigError if no broker lets this process in and one says why. Returns at the first that does.

    Brokers without security are not asked, and brokers that do not answer in ANSWER_SECONDS are no reason.
    """
    if brokers.protocol == "PLAINTEXT":
        return
    hosts = collect_hosts(brokers.bootstrap)
    attempts = [asyncio.create_task(_refusal(brokers, host, port)) for host, port, _ in hosts]
    refusals: list[str] = []
    try:
        for attempt in asyncio.as_completed(attempts):
            if not (refusal := await attempt):
                return
            refusals.append(refusal)
    finally:
        for attempt in attempts:
            attempt.cancel()
    if told := [refusal for refusal in refusals if refusal != AWAY]:
        raise ConfigError(told[0])


async def _refusal(brokers: Brokers, host: str, port: int) -> str:
    """Return why a broker does not let us in; AWAY if it does not answer, and nothing if it does let us in."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await _ask(brokers, host, port)
    except (KafkaError, OSError, TimeoutError, ValueError) as error:
        reason = _reason(error, brokers)
        if not reason and brokers.tls:
            reason = await asyncio.to_thread(_reason_of_alert, brokers.tls, host, port)
        return f"{reason} (Kafka at {host}:{port})" if reason else AWAY
    return ""


async def _ask(brokers: Brokers, host: str, port: int) -> None:
    """Ask for the brokers: with TLS 1.3 a certificate is refused at the first question, a token by an empty answer."""
    milliseconds = int(ANSWER_SECONDS * 1000)
    connection = await create_conn(host, port, request_timeout_ms=milliseconds, **brokers.security)
    try:
        answer = await connection.send(MetadataRequest([]))
    except KafkaConnectionError as error:
        if brokers.sasl or isinstance(error.__cause__, ssl.SSLError):
            raise
        raise SaslAuthenticationFailed from error  # it has told its versions, and takes no further question
    finally:
        connection.close()
    if not answer.brokers:  # aiokafka takes a refused token for an accepted one, and this answer for an empty cluster
        raise SaslAuthenticationFailed("the token is refused")


def _reason(error: BaseException, brokers: Brokers) -> str:
    """Return which setting an error accuses, and of what; empty if it may go away by itself."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"EVENTIDE_KAFKA_CA: the broker's certificate is not verified: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return _reason_of_tls(error.reason or "")
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"EVENTIDE_KAFKA_SASL_MECHANISM: {error}"
    if isinstance(error, SaslAuthenticationFailed | IllegalSaslStateError | ValueError):
        if not brokers.sasl:
            return "EVENTIDE_KAFKA_SECURITY_PROTOCOL: the broker asks for a name (SASL)"
        return f"EVENTIDE_KAFKA_SASL_*: authentication failed: {error}"
    return _reason(error.__cause__, brokers) if error.__cause__ else ""


def _reason_of_alert(tls: ssl.SSLContext, host: str, port: int) -> str:
    """Connect, and wait for an alert: with TLS 1.3 it follows the handshake, and asyncio makes it an end of file."""
    try:
        plain = socket.create_connection((host, port), ANSWER_SECONDS)
        with plain, tls.wrap_socket(plain, server_hostname=host) as connection:
            connection.settimeout(ALERT_SECONDS)
            connection.recv(1)
    except ssl.SSLError as error:
        return _reason_of_tls(error.reason or "")
    except OSError:
        return ""
    return ""


def _reason_of_tls(reason: str) -> str:
    if reason in NOT_TLS:
        return "EVENTIDE_KAFKA_SECURITY_PROTOCOL: the broker does not speak TLS"
    if "ALERT" in reason:
        return f"EVENTIDE_KAFKA_CERT: the broker refuses this client's certificate, or that it has none ({reason})"
    return ""
