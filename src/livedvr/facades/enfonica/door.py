"""HTTP: Enfonica's bindings of its methods, and the audio of recordings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from livedvr.api.aip.values import printable
from livedvr.api.guard.http import Answer, Body, has_body
from livedvr.api.guard.limits import BODY_SECONDS
from livedvr.api.methods import Method
from livedvr.api.rest import read_request, refusal
from livedvr.api.status import to_http, to_status
from livedvr.facades.enfonica import found
from livedvr.facades.enfonica.audio_uris import AudioUris
from livedvr.facades.enfonica.callers import Callers, Unauthenticated
from livedvr.facades.enfonica.messages import METHODS, to_json
from livedvr.facades.enfonica.settings import EnfonicaSettings
from livedvr.facades.enfonica.voice import Voice
from livedvr.facades.facade import FacadeDesk
from livedvr.origin.answers import file_answer
from livedvr.origin.files import OpenFile, open_below
from livedvr.recordings.place import local_root
from livedvr.resources.errors import LiveDvrError, NotFound, Unimplemented
from livedvr.zero_copy import ZeroCopy

DOMAIN = "voice.api.enfonica.com"
_EVERY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_log = logging.getLogger(__name__)


class InternalError(LiveDvrError):
    """A defect of ours: the log has it, the client is told no more than that."""


def open_door(settings: EnfonicaSettings, desk: FacadeDesk) -> ASGIApp:
    """What answers at the facade's address."""
    door = _Door(settings, desk)
    routes = [Route(one.route, door.endpoint(one), methods=[one.verb], name=one.rpc) for one in METHODS]
    project = "/v1beta1/projects/{p0}"
    for path in (f"{project}/transcriptions", f"{project}/calls/{{p1}}/transcriptions{{rest:path}}"):
        routes.append(Route(path, door.transcriptions, methods=["GET", "DELETE"]))
    routes.append(Route("/audio/{call}/{recording}/{file:int}", door.audio, methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_route})
    return ZeroCopy(_Bounded(app))


class _Door:
    def __init__(self, settings: EnfonicaSettings, desk: FacadeDesk) -> None:
        self._desk = desk
        self._callers = Callers(settings)
        self._voice = Voice(settings, desk)
        self._uris = AudioUris.of(settings)

    def endpoint(self, method: Method) -> Callable[[Request], Awaitable[Response]]:
        """One method's. What is asked is read only when it is known who asks."""
        kind = method.service.rpartition(".")[2].lower()
        verb = method.handler.partition("_")[0]

        async def answer(http: Request) -> Response:
            try:
                self._check(http, f"voice.{kind}.{verb}")
                request, form = await read_request(http, method)
                message = await self._voice.answer(method, request)
            except LiveDvrError as error:
                return _refused(error)
            except ClientDisconnect:
                raise
            except Exception:  # noqa: BLE001 - a defect in one answer must not end the server
                _log.exception("%s", method.rpc)
                return _refused(InternalError("internal error, see the server's log"))
            return JSONResponse(to_json(message, enums_as_integers=form.enums_as_integers))

        return answer

    async def transcriptions(self, http: Request) -> Response:
        """There are none."""
        is_one = bool(http.path_params.get("rest"))
        verb = "delete" if http.method == "DELETE" else "get" if is_one else "list"
        try:
            self._check(http, f"voice.transcriptions.{verb}")
            raise Unimplemented("livedvr transcribes nothing", field="transcriptions")
        except LiveDvrError as error:
            return _refused(error)

    async def audio(self, http: Request) -> ASGIApp:
        """A file of a recording, or a range of it, for who has its URI."""
        path, asked = http.url.path.removeprefix("/audio/"), http.query_params
        try:
            self._uris.check(path, asked.get("expires", ""), asked.get("signature", ""), self._desk.clock.now())
            opened, media_type = await asyncio.to_thread(self._open, **http.path_params)
        except LiveDvrError as error:
            return _refused(error)
        return file_answer(http, opened, media_type, "private")

    def _open(self, call: str, recording: str, file: int) -> tuple[OpenFile, str]:
        """Blocking."""
        one = self._desk.dvr.catalog.read(lambda db: found.find(db, call, recording))
        if one is None or file >= len(one.recording.files):
            raise NotFound("this recording has been deleted", field="uri")
        made, root = one.recording.files[file], one.recording.spec.output_uri
        return open_below(local_root(root), made.uri.removeprefix(root).lstrip("/")), made.mime_type

    def _check(self, http: Request, permission: str) -> None:
        peer = http.client.host if http.client else "-"
        self._callers.check(http.headers, peer, permission, http.path_params["p0"], self._desk.clock.now())


class _Bounded:
    """Requests come whole within their time and size, or not at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, BODY_SECONDS, ended=not has_body(scope))
        answer = Answer(send, body)
        with contextlib.suppress(ClientDisconnect):  # nobody is there to be told
            await self._app(scope, body.receive, answer.send)


def _refused(error: LiveDvrError) -> Response:
    """google.rpc.Status as JSON (AIP-193), with the HTTP code of each (google/rpc/code.proto)."""
    if not isinstance(error, Unauthenticated):
        return refusal(error, DOMAIN)
    _, body = to_http(to_status(error, DOMAIN))
    body["error"]["code"] = 401  # Google's clients are told 403: they would look for credentials
    return JSONResponse(body, 401, {"www-authenticate": "Bearer"})


async def _no_route(http: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _refused(NotFound(f"there is no '{printable(http.url.path)}'"))
    return _refused(Unimplemented(f"{http.method} is not possible on '{printable(http.url.path)}'"))
