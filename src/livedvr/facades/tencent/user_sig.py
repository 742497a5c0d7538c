"""UserSig (TLSSigAPIv2): the recording robot's ticket into an app's rooms. Pure.

A JSON object, compressed with zlib, in Base64 with ``+ / =`` written ``* - _``; its ``TLS.sig`` is the HMAC-SHA256 in
Base64 of identifier, app, time, expiry and, where there is one, userbuf with the app's key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from typing import Any

from livedvr.facades.tencent.errors import TencentError
from livedvr.resources.times import SECOND

MOST_BYTES = 8192  # of one that is unpacked
_ALPHABET = str.maketrans("*-_", "+/=")


def check_user_sig(sig: str, key: str, app: int, user: str, now: int) -> None:
    """Return when the app's key has signed it for this user, and it has not expired; else InvalidParameter.UserSig."""
    ticket = _unpacked(sig)
    try:
        made, lasts = int(ticket["TLS.time"]), int(ticket["TLS.expire"])
        named, signature = (ticket["TLS.identifier"], ticket["TLS.sdkappid"]), str(ticket["TLS.sig"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _refused("it lacks what every UserSig has") from error
    if not hmac.compare_digest(_signature(ticket, key).encode(), signature.encode()):
        raise _refused("it is not signed with the app's key")
    if named != (user, app):
        raise _refused("it is another user's, or of another app")
    if now >= (made + lasts) * SECOND:
        raise _refused("it has expired")


def _unpacked(sig: str) -> dict[str, Any]:
    try:
        packed = base64.b64decode(sig.translate(_ALPHABET), validate=True)
        unpacked = json.loads(zlib.decompressobj().decompress(packed, MOST_BYTES))
    except (ValueError, RecursionError, zlib.error) as error:
        raise _refused("it is no UserSig") from error
    if not isinstance(unpacked, dict):
        raise _refused("it is no UserSig")
    return unpacked


def _signature(ticket: dict[str, Any], key: str) -> str:
    names = ["identifier", "sdkappid", "time", "expire", *(["userbuf"] if "TLS.userbuf" in ticket else [])]
    text = "".join(f"TLS.{name}:{ticket[f'TLS.{name}']}\n" for name in names)
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _refused(why: str) -> TencentError:
    return TencentError("InvalidParameter.UserSig", f"UserSig: {why}")
