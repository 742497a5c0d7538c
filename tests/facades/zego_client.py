"""Who asks ZEGOCLOUD's cloud recording, signing by itself as the vendor documents, and who hears its callbacks."""

from __future__ import annotations

import hashlib
import http.client
import json
from typing import Any
from urllib.parse import urlencode

from facades.zego_schema import check_answer, check_callback

APP, SERVER_SECRET, CALLBACK_SECRET = 1234567890, "9193cc662a4c0ec135ec71fb57194b38", "secret"


def target(action: str, seconds: int, more: dict[str, Any] | None = None, **public: Any) -> str:
    """What is asked of the server, at this time; ``public``: what is other than it should be (None: not there)."""
    given: dict[str, Any] = {
        "Action": action,
        "AppId": APP,
        "SignatureNonce": "4fd24687296dd9f3",
        "Timestamp": seconds,
        "SignatureVersion": "2.0",
    }
    given |= {name: value for name, value in public.items() if name != "Signature"}
    text = "".join(str(part) for part in (given["AppId"], given["SignatureNonce"], SERVER_SECRET, given["Timestamp"]))
    given["Signature"] = public.get("Signature", hashlib.md5(text.encode()).hexdigest())
    sent = {name: value for name, value in given.items() if value is not None} | (more or {})
    return f"/?{urlencode(sent)}"


def in_query(given: dict[str, Any]) -> dict[str, str]:
    """Parameters as a GET has them."""
    return {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in given.items()}


def start(room: str = "live", **changes: Any) -> dict[str, Any]:
    """The parameters of a StartRecord. ``inputs``, ``outputs``, ``storage``: what is added to these."""
    keys = {"Region": "oss-cn-shanghai", "Bucket": "tapes", "AccessKeyId": "id-0123", "AccessKeySecret": "key-0123"}
    given: dict[str, Any] = {
        "RoomId": room,
        "RecordInputParams": {"RecordMode": 1, **changes.pop("inputs", {})},
        "RecordOutputParams": {"OutputFileFormat": "mp4", **changes.pop("outputs", {})},
        "StorageParams": {"Vendor": 2, **keys, **changes.pop("storage", {})},
    }
    return {**given, **changes}


def mixed(size: tuple[int, int] = (320, 180), fps: int = 30, **config: Any) -> dict[str, Any]:
    """The RecordInputParams of a mix."""
    video = {"Width": size[0], "Height": size[1], "Fps": fps, "Bitrate": 1_500_000}
    return {"RecordMode": 2, "MixConfig": {"MixOutputStreamId": "mix", "MixOutputVideoConfig": video, **config}}


def heard(body: bytes) -> dict[str, Any]:
    """A callback. Its signature is checked as documented, and what is in it by the schema."""
    found: dict[str, Any] = json.loads(body)
    check_callback(found)
    text = "".join(sorted((CALLBACK_SECRET, found["timestamp"], found["nonce"])))
    assert hashlib.sha1(text.encode()).hexdigest() == found["signature"]
    return found


class Client:
    """Over HTTP. Each answer is checked by the schema."""

    def __init__(self, address: str, clock: Any) -> None:
        self.address, self._clock = address, clock

    def __call__(self, action: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request("POST", target(action, int(self._clock())), json.dumps(given or {}))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        assert response.status == 200
        check_answer(action, answer)
        return answer

    def data(self, action: str, **given: Any) -> Any:
        """Of an action that succeeds."""
        answer = self(action, given)
        assert answer["Code"] == 0, answer
        return answer.get("Data")
