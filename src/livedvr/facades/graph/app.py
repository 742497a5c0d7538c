"""What answers: who asks, what for, and the answer or the error."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from livedvr.facades.body import body_of
from livedvr.facades.graph import requests
from livedvr.facades.graph.calls import Call, Calls
from livedvr.facades.graph.dialect import GraphDialect
from livedvr.facades.graph.errors import Unauthenticated, error_body, status_of, unsupported
from livedvr.facades.graph.keys import ALGORITHM, SigningKey
from livedvr.facades.graph.names import CALLS, guid
from livedvr.facades.graph.operations import has_location
from livedvr.facades.graph.settings import GraphApp, GraphSettings, Permission
from livedvr.resources.errors import LiveDvrError, NotFound, PermissionDenied
from livedvr.resources.models import to_datetime
from livedvr.resources.recording import RecordingSpec
from livedvr.wallclock import WallClock

CHUNK = 64 << 10
VERSIONS = ("v1.0", "beta")
JWKS = "/.well-known/jwks.json"

# What Graph's calls have, and no channel has.
_OTHERS = """
addLargeGalleryView answer audioRoutingGroups changeScreenSharingRole contentSharingSessions keepAlive mute
participants redirect reject sendDtmfTones startRecording startTranscription stopRecording stopTranscription
subscribeToTone transfer unmute updateRecordingStatus
"""

Handler = Callable[[Request], Awaitable[Response]]


def graph_app(
    calls: Calls, settings: GraphSettings, key: SigningKey, dialect: GraphDialect, clock: WallClock
) -> Starlette:
    """The ASGI app."""
    door = _Door(calls, settings, key, dialect, clock)
    routes: list[BaseRoute] = []
    for version in VERSIONS:
        for calls_path in (f"/{version}{CALLS}", f"/{version}/app/calls"):  # the second is deprecated, and an alias
            routes += door.routes(calls_path, version)
    routes += [
        Route("/recordings/{call}/{recording}", door.answering(door.download)),
        Route("/.well-known/openid-configuration", door.openid),
        Route(JWKS, door.jwks),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: door.no_route})


class _Door:
    def __init__(
        self, calls: Calls, settings: GraphSettings, key: SigningKey, dialect: GraphDialect, clock: WallClock
    ) -> None:
        self._calls = calls
        self._settings = settings
        self._key = key
        self._dialect = dialect
        self._clock = clock

    def routes(self, path: str, version: str) -> list[BaseRoute]:
        """Of calls below a path."""
        of_call = {
            ("", "GET"): self._get,
            ("", "DELETE"): self._hang_up,
            ("/operations", "GET"): self._list,
            ("/operations/{operation}", "GET"): self._operation,
            ("/playPrompt", "POST"): self._play(version),
            ("/cancelMediaProcessing", "POST"): self._cancel,
            ("/recordResponse", "POST"): self._record("recordResponse", version),
            ("/downlink", "GET"): self._downlink,
        }
        if version == "beta":
            of_call["/record", "POST"] = self._record("record", version)
        return [
            Route(path, self.answering(self._create), methods=["POST"]),
            *(
                Route(f"{path}/{{call}}{below}", self.answering(handler), methods=[verb])
                for (below, verb), handler in of_call.items()
            ),
            Route(f"{path}/{{call}}/{{other:path}}", self.answering(self._other), methods=["GET", "POST", "PATCH"]),
        ]

    # who asks

    def _app(self, http: Request, permission: Permission) -> GraphApp:
        app = self._settings.app_of(_bearer(http))
        if app is None:
            raise Unauthenticated("Access token validation failure. Invalid token.")
        if permission not in app.permissions:
            raise PermissionDenied(f"Insufficient privileges: '{permission}' is needed.")
        return app

    def _call(self, http: Request) -> Call:
        return self._calls.get(self._app(http, "Calls.AccessMedia.All"), http.path_params["call"])

    # calls

    async def _create(self, http: Request) -> Response:
        app = self._app(http, "Calls.Initiate.All")
        made = await self._calls.create(app, requests.read(requests.CreateCall, await body_of(http)))
        return JSONResponse(made, 201, {"Location": f"{self._url(http)}{http.url.path}/{made['id']}"})

    async def _get(self, http: Request) -> Response:
        return JSONResponse(self._call(http).shown("established"))

    async def _hang_up(self, http: Request) -> Response:
        await self._calls.hang_up(self._call(http))
        return Response(status_code=204)

    async def _downlink(self, http: Request) -> Response:
        return StreamingResponse(self._calls.downlink(self._call(http)), media_type="audio/wav")

    async def _other(self, http: Request) -> Response:
        self._call(http)
        name = http.path_params["other"].partition("/")[0]
        if name in _OTHERS.split():
            raise unsupported(name, "it")
        raise NotFound(f"Resource not found for the segment '{name}'.")

    # operations

    def _record(self, action: str, version: str) -> Handler:
        async def handler(http: Request) -> Response:
            call = self._call(http)
            given = requests.read(requests.Record, await body_of(http))
            spec = requests.record_spec(given, action)
            return await self._begin(http, call, spec, (action, version, given.client_context))

        return handler

    def _play(self, version: str) -> Handler:
        async def handler(http: Request) -> Response:
            call = self._call(http)
            given = requests.read(requests.PlayPrompt, await body_of(http))
            spec = requests.play_spec(given)
            return await self._begin(http, call, spec, ("playPrompt", version, given.client_context))

        return handler

    async def _begin(self, http: Request, call: Call, spec: RecordingSpec, of: tuple[str, str, str]) -> Response:
        kind, version, client_context = of
        context = {"kind": kind, "version": version, "clientContext": client_context, "url": self._url(http)}
        return self._begun(http, await self._calls.begin(call, spec, **context))

    async def _cancel(self, http: Request) -> Response:
        call = self._call(http)
        given = requests.read(requests.Cancel, await body_of(http))
        return self._begun(http, await self._calls.cancel(call, given.client_context))

    def _begun(self, http: Request, operation: dict[str, object]) -> Response:
        of_call = http.url.path.rpartition("/")[0]
        location = f"{self._url(http)}{of_call}/operations/{operation['id']}"
        return JSONResponse(operation, headers={"Location": location})

    async def _list(self, http: Request) -> Response:
        return JSONResponse({"value": await self._calls.operations(self._call(http))})

    async def _operation(self, http: Request) -> Response:
        return JSONResponse(await self._calls.operation(self._call(http), http.path_params["operation"]))

    # what was recorded

    async def download(self, http: Request) -> Response:
        """The wav, for who shows its token."""
        token, name = _bearer(http), guid(http.path_params["recording"], what="recording")
        if not self._key.has_signed(token, self._dialect.opens(name)):
            raise Unauthenticated("Access token validation failure. Invalid token.")
        found = await self._calls.recording(guid(http.path_params["call"], what="call"), name)
        if not has_location(found):
            raise NotFound(f"there is no recording '{name}'")
        return StreamingResponse(_bytes_of(Path(found.files[0].uri)), media_type="application/octet-stream")

    async def openid(self, http: Request) -> Response:
        """Where receivers of notifications find the key (OpenID Connect Discovery 1.0)."""
        return JSONResponse(
            {
                "issuer": self._settings.issuer,
                "jwks_uri": f"{self._url(http)}{JWKS}",
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        )

    async def jwks(self, _: Request) -> Response:
        """The key."""
        return JSONResponse(self._key.jwks())

    # answers

    def _url(self, http: Request) -> str:
        """Where the client reaches us."""
        return (self._settings.url or str(http.base_url)).rstrip("/")

    def answering(self, handler: Handler) -> Handler:
        """The handler with its errors."""

        async def endpoint(http: Request) -> Response:
            try:
                return await handler(http)
            except LiveDvrError as error:
                return self._refused(http, error)

        return endpoint

    async def no_route(self, http: Request, error: Exception) -> Response:
        """A path or a verb that is not here."""
        assert isinstance(error, HTTPException)
        answer = self._refused(http, NotFound(f"Resource not found for the segment '{http.url.path}'."))
        answer.status_code = error.status_code
        return answer

    def _refused(self, http: Request, error: LiveDvrError) -> Response:
        date = to_datetime(self._clock.now()).strftime("%Y-%m-%dT%H:%M:%S")
        body = error_body(error, date, str(uuid.uuid4()), http.headers.get("client-request-id"))
        headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
        return JSONResponse(body, status_of(error), headers)


def _bearer(http: Request) -> str:
    scheme, _, token = http.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Access token is empty.")
    return token.strip()


async def _bytes_of(path: Path) -> AsyncIterator[bytes]:
    """In chunks: how long it is does not stand in the head of the answer."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()
