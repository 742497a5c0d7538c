"""TC3-HMAC-SHA256: who asks, and that nobody has changed what is asked. Pure (reference, section 2.1)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from livedvr.facades.tencent.errors import TencentError
from livedvr.resources.times import SECOND

SERVICE = "trtc"
SKEW = 300 * SECOND
_ALGORITHM = "TC3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} +Credential=([^/,\s]+)/(\d{{4}}-\d\d-\d\d)/(\w+)/tc3_request, *"
    r"SignedHeaders=([\w;-]+), *Signature=([0-9a-f]{64})"
)
_NEEDED = frozenset({"content-type", "host"})
_UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. ``headers``: names in lower case; ``query``: as it was sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def check_signature(asked: Asked, keys: Mapping[str, SecretStr], now: int) -> None:
    """Return when the owner of a key has asked so, within five minutes of now; else AuthFailure.*."""
    found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
    if found is None:
        raise TencentError(
            "AuthFailure.InvalidAuthorization",
            f"Authorization: it is to be '{_ALGORITHM} Credential=.../{SERVICE}/tc3_request, SignedHeaders=..., "
            "Signature=...'; older signatures are not taken",
        )
    secret_id, date, service, names, signature = found.groups()
    signed = names.split(";")
    if service != SERVICE or not set(signed) >= _NEEDED:
        raise TencentError(
            "AuthFailure.InvalidAuthorization",
            f"Authorization: the service is {SERVICE}, and content-type and host are to be signed",
        )
    timestamp = asked.headers.get("x-tc-timestamp", "")
    at = _time(timestamp)
    if abs(now - at) > SKEW:
        raise TencentError("AuthFailure.SignatureExpire", "X-TC-Timestamp: it is more than 5 minutes off")
    if "x-tc-token" in asked.headers:
        raise TencentError("AuthFailure.TokenFailure", "X-TC-Token: there are no temporary keys here")
    secret = keys.get(secret_id)
    if secret is None:
        raise TencentError("AuthFailure.SecretIdNotFound", "Authorization: there is no such SecretId")
    is_day = date == datetime.fromtimestamp(at // SECOND, UTC).date().isoformat()
    wanted = _sign(secret.get_secret_value(), timestamp, date, _canonical(asked, signed))
    if not hmac.compare_digest(wanted, signature) or not is_day:
        raise TencentError("AuthFailure.SignatureFailure", "Authorization: this is not the signature of the request")


def _time(timestamp: str) -> int:
    if not re.fullmatch(r"\d{1,12}", timestamp):
        raise TencentError("MissingParameter", "X-TC-Timestamp: it is to be there, Unix seconds")
    return int(timestamp) * SECOND


def _canonical(asked: Asked, signed: list[str]) -> str:
    headers = "".join(f"{name}:{asked.headers.get(name, '').strip().lower()}\n" for name in signed)
    is_unsigned = asked.headers.get("x-tc-content-sha256") == _UNSIGNED
    payload = _UNSIGNED.encode() if is_unsigned else asked.body
    digest = hashlib.sha256(payload).hexdigest()
    return "\n".join((asked.method, asked.path, asked.query, headers, ";".join(signed), digest))


def _sign(secret: str, timestamp: str, date: str, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"TC3{secret}".encode()
    for part in (date, SERVICE, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"{_ALGORITHM}\n{timestamp}\n{date}/{SERVICE}/tc3_request\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
