"""Who asks, and for what: the public parameters of the query, which stand in no body (reference, section 4.1). Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from livedvr.facades.zego.errors import Code, ZegoError
from livedvr.facades.zego.settings import ZegoSettings
from livedvr.resources.times import SECOND

PUBLIC = frozenset(
    {"Action", "AppId", "SignatureNonce", "Timestamp", "Signature", "SignatureVersion", "IsTest"}  # the last is old
)
SKEW = 600 * SECOND  # between two clocks

_FORMS = {
    "Action": r"[A-Za-z]{1,64}",
    "AppId": r"[0-9]{1,10}",
    "SignatureNonce": r"[!-~]{1,64}",
    "Timestamp": r"[0-9]{1,12}",
    "Signature": r"[0-9a-f]{32}",
    "SignatureVersion": r"2\.0",
}


def signature(app: str, nonce: str, secret: str, timestamp: str) -> str:
    """Lower-case hex MD5 of the four, one behind the other."""
    return hashlib.md5((app + nonce + secret + timestamp).encode(), usedforsecurity=False).hexdigest()


def check_query(query: Mapping[str, str], settings: ZegoSettings, now: int) -> str:
    """The action that is asked for by somebody who has the app's ServerSecret. ``now``: UTC microseconds."""
    for name, form in _FORMS.items():
        if re.fullmatch(form, query.get(name, "")) is None:
            raise ZegoError(Code.GATEWAY, f"{name} is missing in the query, or not as it has to be")
    if int(query["AppId"]) != settings.app_id:
        raise ZegoError(Code.NOT_ACTIVATED, f"AppId: cloud recording is not activated for app {query['AppId']}")
    if abs(int(query["Timestamp"]) * SECOND - now) > SKEW:
        raise ZegoError(Code.SIGNATURE_EXPIRED, f"Timestamp: the signature has expired; it is {now // SECOND} here")
    secret = settings.server_secret.get_secret_value()
    wanted = signature(query["AppId"], query["SignatureNonce"], secret, query["Timestamp"])
    if not hmac.compare_digest(wanted, query["Signature"]):
        raise ZegoError(Code.SIGNATURE_INVALID, "Signature: it is not that of these parameters and the ServerSecret")
    return query["Action"]
