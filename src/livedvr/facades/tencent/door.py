"""HTTP: who asks for which action, how often, and how that is answered: with 200, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livedvr.api.guard.http import TooLarge
from livedvr.api.guard.rates import Rate, Rates
from livedvr.facades.body import body_of
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.tencent.actions import Actions
from livedvr.facades.tencent.errors import TencentError, translated
from livedvr.facades.tencent.params import unfolded
from livedvr.facades.tencent.settings import TencentSettings
from livedvr.facades.tencent.signature import Asked, check_signature
from livedvr.resources.errors import LiveDvrError, ResourceExhausted

VERSION = "2019-07-22"
REGIONS = frozenset({"ap-beijing", "ap-guangzhou", "ap-mumbai", "ap-shanghai", "ap-singapore"})
RATE = Rate(20, 20)  # for each action of each app
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def door(settings: TencentSettings, desk: FacadeDesk) -> Starlette:
    """What answers at the facade's address."""
    found = _Door(settings, desk)
    routes = [Route("/{path:path}", found.answer, methods=METHODS)]
    return Starlette(routes=routes, exception_handlers={Exception: _broken})


class _Door:
    def __init__(self, settings: TencentSettings, desk: FacadeDesk) -> None:
        self._settings = settings
        self._clock = desk.clock
        self._actions = Actions(settings, desk).table
        self._rates = Rates()

    async def answer(self, http: Request) -> Response:
        try:
            return _answered(await self._answer(http))
        except TencentError as error:
            return _refused(error)
        except LiveDvrError as error:
            return _refused(translated(error))

    async def _answer(self, http: Request) -> dict[str, Any]:
        """What is asked is looked at only when it is known who asks."""
        if http.method not in ("GET", "POST"):
            raise TencentError("UnsupportedProtocol", "use GET or POST")
        headers, now = http.headers, self._clock.now()
        path, query = http.scope["path"], http.scope["query_string"].decode("latin-1")
        asked = Asked(http.method, path, query, headers, await _body(http))
        check_signature(asked, self._settings.keys, now)
        name = _header(headers, "X-TC-Action")
        action = self._actions.get(name)
        if action is None:
            raise TencentError("InvalidAction", f"X-TC-Action: there is no {name} here: {', '.join(self._actions)}")
        if _header(headers, "X-TC-Version") != VERSION:
            raise TencentError("NoSuchVersion", f"X-TC-Version: it is {VERSION}")
        if _header(headers, "X-TC-Region") not in REGIONS:
            raise TencentError("UnsupportedRegion", f"X-TC-Region: it is one of {', '.join(sorted(REGIONS))}")
        given = _parameters(asked, http)
        app = str(given.get("SdkAppId"))
        try:
            self._rates.take(f"{name}/{app if app in self._settings.apps else ''}", RATE, now)
        except ResourceExhausted as error:
            raise TencentError("RequestLimitExceeded", f"{name}: {error}") from error
        return await action(given, http.method == "POST")


def _parameters(asked: Asked, http: Request) -> Mapping[str, Any]:
    if asked.method == "GET":
        return unfolded(http.query_params)
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise TencentError("UnsupportedProtocol", f"Content-Type: it is {JSON}")
    try:
        given = json.loads(asked.body)
    except (ValueError, RecursionError) as error:
        raise TencentError("InvalidParameter", "the body is no JSON") from error
    if not isinstance(given, dict):
        raise TencentError("InvalidParameter", "the body is no JSON object")
    return {name: value for name, value in given.items() if value is not None}


async def _body(http: Request) -> bytes:
    try:
        return await body_of(http)
    except TooLarge as error:
        raise TencentError("RequestSizeLimitExceeded", str(error)) from error


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise TencentError("MissingParameter", f"{name} is missing")
    return value


def _answered(answer: Mapping[str, Any]) -> Response:
    return JSONResponse({"Response": {**answer, "RequestId": str(uuid4())}})


def _refused(error: TencentError) -> Response:
    return _answered({"Error": {"Code": error.code, "Message": error.message}})


async def _broken(_: Request, __: Exception) -> Response:
    return _refused(TencentError("InternalError", "this is a defect of the server; its log says more"))
