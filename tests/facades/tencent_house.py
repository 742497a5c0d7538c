"""`House` with the facade tencent, and who asks it: signs by itself, as the vendor documents it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from facades.house import Answer, House
from livedvr import Recording
from livedvr.facades.tencent.tencent import Tencent
from livedvr.resources.times import SECOND
from receiver import Posted, Receiver

HOST = "127.0.0.1:8091"
APP, OTHER_APP = 1400000001, 1400000002
SECRET_ID, SECRET_KEY = "AKIDexample", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
USER_SIG_KEY, CALLBACK_KEY = "5bd2850fff3ecb11d7c805251c51ee46", "123654"
CALLBACK = "https://hooks.example/trtc"


def section(**changes: Any) -> dict[str, Any]:
    apps = {
        str(APP): {"user_sig_key": USER_SIG_KEY, "callback_url": CALLBACK, "callback_key": CALLBACK_KEY},
        str(OTHER_APP): {},
    }
    return {"listen": HOST, "channels": {"1001": "live"}, "keys": {SECRET_ID: SECRET_KEY}, "apps": apps, **changes}


def user_sig(user: str, at: int, *, key: str = USER_SIG_KEY, app: int = APP, lasts: int = 86_400, buf: str = "") -> str:
    """One as TLSSigAPIv2 makes it; ``at``: UTC microseconds."""
    ticket: dict[str, Any] = {"TLS.ver": "2.0", "TLS.identifier": user, "TLS.sdkappid": app}
    ticket |= {"TLS.expire": lasts, "TLS.time": at // SECOND, **({"TLS.userbuf": buf} if buf else {})}
    text = f"TLS.identifier:{user}\nTLS.sdkappid:{app}\nTLS.time:{at // SECOND}\nTLS.expire:{lasts}\n"
    text += f"TLS.userbuf:{buf}\n" if buf else ""
    ticket["TLS.sig"] = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
    packed = base64.b64encode(zlib.compress(json.dumps(ticket).encode())).decode()
    return packed.translate(str.maketrans("+/=", "*-_"))


def is_signed(posted: Posted) -> None:
    """A callback of `APP`, as the vendor documents it: for `Receiver`."""
    digest = hmac.new(CALLBACK_KEY.encode(), posted.body, hashlib.sha256).digest()
    assert posted.headers["sign"] == base64.b64encode(digest).decode()
    assert (posted.headers["sdkappid"], posted.headers["content-type"]) == (str(APP), "application/json")


def storage(**changes: Any) -> dict[str, Any]:
    keys = {"AccessKey": "access-key-0123", "SecretKey": "secret-key-0123"}
    return {"CloudStorage": {"Vendor": 0, "Region": "ap-shanghai", "Bucket": "tapes-1250000000", **keys, **changes}}


def creation(at: int, **changes: Any) -> dict[str, Any]:
    """The parameters of a CreateCloudRecording; a change to None leaves one out."""
    robot = changes.get("UserId", "robot-1")
    given = {
        "SdkAppId": APP,
        "RoomId": "1001",
        "UserId": robot,
        "UserSig": user_sig(robot, at) if isinstance(robot, str) else "",
        "RecordParams": {"RecordMode": 2},
        "StorageParams": storage(),
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def flat(given: Any, name: str = "") -> dict[str, Any]:
    """As a GET has it: ``A.B`` and ``C.0``."""
    if isinstance(given, Mapping):
        below = [(str(key), value) for key, value in given.items()]
    elif isinstance(given, list | tuple):
        below = [(str(i), value) for i, value in enumerate(given)]
    else:
        return {name: given}
    return {key: one for part, value in below for key, one in flat(value, f"{name}.{part}".lstrip(".")).items()}


class TencentHouse(House):
    """A `House` with the facade, and who asks it, signing by itself."""

    async def call(
        self,
        action: str,
        given: Mapping[str, Any] | bytes,
        *,
        method: str = "POST",
        signed: tuple[str, ...] = ("content-type", "host"),
        headers: Mapping[str, str | None] | None = None,
        secret: tuple[str, str] = (SECRET_ID, SECRET_KEY),
        after: int = 0,
    ) -> dict[str, Any]:
        """The Response. What is not as it should be is told in ``headers`` (None: not there); ``after``: so many
        seconds after the signature the server gets it."""
        timestamp = self.clock.now() // SECOND - after
        is_get = method == "GET"
        sent = {
            "content-type": "application/x-www-form-urlencoded" if is_get else "application/json",
            "host": HOST,
            "x-tc-action": action,
            "x-tc-version": "2019-07-22",
            "x-tc-region": "ap-shanghai",
            "x-tc-timestamp": str(timestamp),
            **(headers or {}),
        }
        query = urlencode(flat(given)) if is_get and not isinstance(given, bytes) else ""
        body = b"" if is_get else given if isinstance(given, bytes) else json.dumps(given).encode()
        known = {name: value for name, value in sent.items() if value is not None}
        day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
        if "authorization" not in sent:
            lines = "".join(f"{name}:{known.get(name, '').lower()}\n" for name in signed)
            is_unsigned = known.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD"
            payload = hashlib.sha256(b"UNSIGNED-PAYLOAD" if is_unsigned else body).hexdigest()
            canonical = f"{method}\n/\n{query}\n{lines}\n{';'.join(signed)}\n{payload}"
            digest = hashlib.sha256(canonical.encode()).hexdigest()
            key = f"TC3{secret[1]}".encode()
            for part in (day, "trtc", "tc3_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            text = f"TC3-HMAC-SHA256\n{known.get('x-tc-timestamp')}\n{day}/trtc/tc3_request\n{digest}"
            signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
            credential = f"{secret[0]}/{day}/trtc/tc3_request"
            known["authorization"] = (
                f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"
            )
        answer = await self.send(method, query, known, body)
        assert answer.status == 200, answer
        response: dict[str, Any] = answer.json()["Response"]
        assert response["RequestId"]
        return response

    async def code(self, action: str, given: Mapping[str, Any] | bytes, **how: Any) -> str:
        """The error's code."""
        response = await self.call(action, given, **how)
        code: str = response["Error"]["Code"]
        assert response["Error"]["Message"]
        return code

    async def send(self, method: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return await self.ask(method, f"/?{query}", body, headers)

    async def create(self, **changes: Any) -> str:
        response = await self.call("CreateCloudRecording", creation(self.clock.now(), **changes))
        assert "Error" not in response, response
        task: str = response["TaskId"]
        return task

    async def status(self, task: str) -> str:
        """Its Status, or the error's code."""
        response = await self.call("DescribeCloudRecording", {"SdkAppId": APP, "TaskId": task})
        found: str = response["Error"]["Code"] if "Error" in response else response["Status"]
        return found

    async def ended(self, task: str) -> Recording:
        self.clock.advance(SECOND)  # until then its last media might still come
        return await self.until(task, "SUCCEEDED", "EMPTY", "FAILED", "CANCELED")


def a_house(folder: Path, *, media: Path | None = None, told: Receiver | None = None, **changes: Any) -> TencentHouse:
    """``media``: what it brings; ``told``: who is called back; ``changes``: of `section`."""
    given = section(**changes)
    if told is not None:
        given["apps"][str(APP)]["callback_url"] = told.uri()
    return TencentHouse(folder, Tencent(given), media=media, webhooks=() if told is None else (told.authority,))
