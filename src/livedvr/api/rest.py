"""The REST door: Google's HTTP bindings of the same table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livedvr.api.dispatch import Dispatcher
from livedvr.api.methods import METHODS, Method
from livedvr.api.status import to_http, to_status
from livedvr.resources.errors import InvalidArgument, LiveDvrError, NotFound, Unimplemented


def rest_app(dispatcher: Dispatcher) -> Starlette:
    """The ASGI app. Routes with a verb behind the colon come first: a name would match it too."""
    ordered = sorted(METHODS, key=lambda method: ":" not in method.route.rpartition("/")[2])
    routes = [Route(method.route, _endpoint(dispatcher, method), methods=[method.verb]) for method in ordered]
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_route})


def _endpoint(dispatcher: Dispatcher, method: Method) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(http: Request) -> Response:
        try:
            request = await read_request(http, method)
            answer = await dispatcher.answer(method, request)
        except LiveDvrError as error:
            return _refusal(error)
        return JSONResponse(json_format.MessageToDict(answer))

    return endpoint


async def read_request(http: Request, method: Method) -> Any:
    """The request message: body, query and path, in this order (google.api.http)."""
    request = method.request()
    body = await http.body()
    if method.body is not None and body:
        target = request if method.body == "*" else getattr(request, method.body)
        try:
            json_format.Parse(body, target)
        except json_format.ParseError as error:
            raise InvalidArgument(str(error)) from error
    given = {k: v for k, v in http.query_params.items() if not k.startswith("$")}
    mask = given.pop("updateMask", given.pop("update_mask", None))
    if mask:
        request.update_mask.paths.extend(mask.split(","))
    json_format.ParseDict(given, request)
    owner, _, field = method.variable.rpartition(".")
    setattr(getattr(request, owner) if owner else request, field, method.resource_name(list(http.path_params.values())))
    return request


def _refusal(error: LiveDvrError) -> Response:
    code, body = to_http(to_status(error))
    return JSONResponse(body, code)


async def _no_route(http: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _refusal(NotFound(f"there is no '{http.url.path}'"))
    return _refusal(Unimplemented(f"{http.method} is not possible on '{http.url.path}'"))
