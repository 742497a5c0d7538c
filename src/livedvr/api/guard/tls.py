"""Certificate and key of both doors, looked at before anything is opened."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from livedvr.resources.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Tls:
    """``certificate``: PEM, with the chain behind it; ``key``: PEM, without a passphrase."""

    certificate: Path
    key: Path

    def pem(self) -> tuple[bytes, bytes]:
        """(chain, key) as gRPC takes them."""
        return self.certificate.read_bytes(), self.key.read_bytes()


def open_tls(certificate: Path | None, key: Path | None) -> Tls | None:
    """Both or none. INVALID_ARGUMENT names the file that is missing, unreadable, no PEM, or not the other's."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, other = ("--tls-key", "--tls-cert") if certificate is None else ("--tls-cert", "--tls-key")
        raise InvalidArgument(f"{given} is given without {other}", field=other, hint="give both")
    _check(certificate, "--tls-cert", "CERTIFICATE")
    _check(key, "--tls-key", "PRIVATE KEY")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InvalidArgument(f"it is not the key of {certificate}", field=f"--tls-key {key}") from error
        raise InvalidArgument(
            f"cannot be used: {error.reason or error}", field=f"--tls-cert {certificate}, --tls-key {key}"
        ) from error
    return Tls(certificate, key)


def _check(path: Path, option: str, what: str) -> None:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"cannot be read: {error.strerror}", field=f"{option} {path}") from error
    if f"{what}-----".encode() not in text:
        raise InvalidArgument(f"there is no {what} in it", field=f"{option} {path}", hint="PEM: -----BEGIN ...")


def _refuse_passphrase() -> str:
    raise InvalidArgument("it has a passphrase", field="--tls-key", hint="openssl pkey -in KEY -out PLAIN, mode 600")
