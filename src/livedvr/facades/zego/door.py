"""HTTP: who asks for which action, how often, and how that is answered: with 200, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livedvr.api.guard.rates import Rate, Rates
from livedvr.facades.body import body_of
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.zego.absence import Absence
from livedvr.facades.zego.actions import Actions
from livedvr.facades.zego.errors import Code, ZegoError, invalid, translated
from livedvr.facades.zego.settings import ZegoSettings
from livedvr.facades.zego.signature import PUBLIC, check_query
from livedvr.resources.errors import LiveDvrError, ResourceExhausted
from livedvr.wallclock import WallClock

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
OFTEN, SELDOM = Rate(50, 50), Rate(10, 10)
RATES: Mapping[str, Rate] = MappingProxyType({"StartRecord": OFTEN, "StopRecord": OFTEN})  # the others: SELDOM


def door(settings: ZegoSettings, desk: FacadeDesk, absence: Absence) -> Starlette:
    """What answers at the facade's address."""
    found = _Door(settings, desk.clock, Actions(settings, desk, absence))
    routes = [Route("/{path:path}", found.answer, methods=METHODS)]
    return Starlette(routes=routes, exception_handlers={Exception: _broken})


class _Door:
    def __init__(self, settings: ZegoSettings, clock: WallClock, actions: Actions) -> None:
        self._settings = settings
        self._clock = clock
        self._actions = actions.table
        self._rates = Rates()

    async def answer(self, http: Request) -> Response:
        try:
            data = await self._answer(http)
        except ZegoError as error:
            return _answered(error.code, error.message)
        except LiveDvrError as error:
            told = translated(error)
            return _answered(told.code, told.message)
        return _answered(Code.SUCCEED, "succeed", data)

    async def _answer(self, http: Request) -> dict[str, Any] | None:
        """What is asked is looked at only when it is known who asks."""
        if http.method not in ("GET", "POST"):
            raise ZegoError(Code.GATEWAY, "use GET or POST")
        now = self._clock.now()
        name = check_query(http.query_params, self._settings, now)
        action = self._actions.get(name)
        if action is None:
            raise ZegoError(Code.GATEWAY, f"Action: there is no {name}: {', '.join(self._actions)}")
        try:
            self._rates.take(name, RATES.get(name, SELDOM), now)
        except ResourceExhausted as error:
            raise ZegoError(Code.RATE_LIMIT, f"{name}: {error}") from error
        if http.method == "GET":
            return await action(_from_query(http.query_params), False)
        return await action(_from_json(await body_of(http)), True)


def _from_query(query: Mapping[str, str]) -> Mapping[str, Any]:
    """The parameters beside the public ones; an object is written as JSON."""
    given = {name: value for name, value in query.items() if name not in PUBLIC}
    return {name: _from_json(value.encode(), name) if value.startswith("{") else value for name, value in given.items()}


def _from_json(body: bytes, name: str = "body") -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(name, "this is no JSON") from error
    if not isinstance(given, dict):
        raise invalid(name, "this is no JSON object")
    return given


def _answered(code: Code, message: str, data: Mapping[str, Any] | None = None) -> Response:
    answer = {"Code": int(code), "Message": message, "RequestId": uuid4().hex}
    return JSONResponse(answer if data is None else {**answer, "Data": data})


async def _broken(_: Request, __: Exception) -> Response:
    return _answered(Code.SYSTEM, "this is a defect of the server; its log says more")
