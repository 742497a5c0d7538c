"""The REST door: Google's HTTP bindings of the same table."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from livedvr.api.aip.json_body import read_json, write_json
from livedvr.api.aip.query import AnswerFormat, read_query
from livedvr.api.dispatch import Dispatcher
from livedvr.api.docs import docs_routes
from livedvr.api.methods import METHODS, Method
from livedvr.api.status import DOMAIN, to_http, to_status
from livedvr.resources.errors import LiveDvrError, NotFound, ResourceExhausted
from livedvr.resources.times import SECOND


class _Json(JSONResponse):
    """An answer; ``pretty``: for people."""

    def __init__(self, content: Any, *, pretty: bool) -> None:
        self._indent = 2 if pretty else None
        super().__init__(content)

    def render(self, content: Any) -> bytes:
        if self._indent is None:
            return super().render(content)
        return f"{json.dumps(content, ensure_ascii=False, indent=self._indent)}\n".encode()


def rest_app(dispatcher: Dispatcher, others: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI app. Routes with a verb behind the colon come first: a name would match it too. ``others``: more."""
    ordered = sorted(METHODS, key=lambda method: ":" not in method.route.rpartition("/")[2])
    routes = [
        Route(method.route, _endpoint(dispatcher, method), methods=[method.verb], name=method.rpc) for method in ordered
    ]
    return Starlette(routes=[*docs_routes(), *others, *routes], exception_handlers={HTTPException: _no_route})


def _endpoint(dispatcher: Dispatcher, method: Method) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(http: Request) -> Response:
        try:
            request, form = await read_request(http, method)
            answer = await dispatcher.answer(method, request)
        except LiveDvrError as error:
            return refusal(error)
        return _Json(write_json(answer, enums_as_integers=form.enums_as_integers), pretty=form.pretty)

    return endpoint


async def read_request(http: Request, method: Method) -> tuple[Any, AnswerFormat]:
    """The request message of body, query and path (google.api.http), and how its answer is wanted."""
    request = method.request()
    body = await http.body()
    if method.body == "*":
        read_json(body, request)
    elif method.body is not None:
        read_json(body, getattr(request, method.body), field=method.body)
    owner, _, field = method.variable.rpartition(".")
    form = read_query(http.query_params.multi_items(), request, bound={owner or field, method.body or ""})
    name = method.resource_name(list(http.path_params.values()))
    setattr(getattr(request, owner) if owner else request, field, name)
    return request, form


def refusal(error: LiveDvrError, domain: str = DOMAIN) -> Response:
    """What is answered instead; with ``Retry-After`` (RFC 9110, 10.2.3) where it is known. ``domain``: who says so."""
    code, body = to_http(to_status(error, domain))
    headers = {}
    if isinstance(error, ResourceExhausted) and error.retry_after is not None:
        headers["retry-after"] = str(-(-error.retry_after // SECOND))
    return JSONResponse(body, code, headers)


async def _no_route(http: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return refusal(NotFound(f"there is no '{http.url.path}'"))
    return refusal(NotFound(f"there is no {http.method} of '{http.url.path}'", hint="/docs has all that there is"))
