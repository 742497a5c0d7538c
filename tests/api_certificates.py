"""Certificates for tests, made by openssl on the fly."""

from __future__ import annotations

import subprocess
from pathlib import Path

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def certificate(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1", *, passphrase: str = "") -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key."""
    folder.mkdir(exist_ok=True)
    made = folder / "cert.pem", folder / "key.pem"
    secrecy = ["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]
    subject = ["-subj", "/CN=livedvr test", "-addext", f"subjectAltName={names}", "-days", "2"]
    command = ["openssl", "req", "-x509", *_EC, *secrecy, *subject, "-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run(command, check=True, capture_output=True)
    return made
