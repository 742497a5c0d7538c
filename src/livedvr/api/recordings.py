"""Recordings over REST, beside Google's API: a resource of ours, ``.../channels/*/recordings/*``, as plain JSON.

``POST .../recordings?recordingId=ID`` with a `RecordingSpec`, ``GET``, ``DELETE``, and ``POST ...:stop``, ``:pause``,
``:resume``, ``:cancel``. They answer the recording, with its ``name``. ``GET .../recordings``: pages, by creation.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from google.longrunning import operations_pb2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livedvr.api.aip.paging import page_size, read_token, write_token
from livedvr.api.aip.query import read_query
from livedvr.api.desk import Desk
from livedvr.api.rest import refusal
from livedvr.catalog import recording_rows
from livedvr.resources.errors import InvalidArgument, LiveDvrError
from livedvr.resources.recording import Recording, RecordingSpec

_COLLECTION = "/v1/projects/{p}/locations/{l}/channels/{c}/recordings"
_VERBS = ("stop", "pause", "resume", "cancel")

_NO_PAGING = frozenset(operations_pb2.ListOperationsRequest.DESCRIPTOR.fields_by_name) - {"page_size", "page_token"}

Answer = dict[str, Any]


def recording_routes(desk: Desk) -> list[Route]:
    """The routes; those with a verb first: a name would match it too."""
    found = _Recordings(desk)

    def route(path: str, verb: str, name: str, handler: Callable[[Request], Awaitable[Answer]]) -> Route:
        return Route(_COLLECTION + path, _endpoint(handler), methods=[verb], name=name)

    return [
        *(route(f"/{{r}}:{verb}", "POST", f"{verb.title()}Recording", found.act(verb)) for verb in _VERBS),
        route("", "POST", "StartRecording", found.start),
        route("", "GET", "ListRecordings", found.list),
        route("/{r}", "GET", "GetRecording", found.get),
        route("/{r}", "DELETE", "DeleteRecording", found.delete),
    ]


class _Recordings:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._recordings = desk.dvr.recordings

    async def start(self, http: Request) -> Answer:
        parent, channel = self._channel(http)
        spec = _spec(await http.body())
        if spec.output_uri:
            place = self._desk.outputs.place(spec.output_uri, field="outputUri")
            spec = spec.model_copy(update={"output_uri": place})
        return _shown(parent, await self._recordings.start(channel, http.query_params.get("recordingId", ""), spec))

    async def list(self, http: Request) -> Answer:
        parent, channel = self._channel(http)
        # The paging of any list of names; there is nothing else that could be asked for.
        asked = operations_pb2.ListOperationsRequest(name=f"{parent}/recordings")
        read_query(http.query_params.multi_items(), asked, bound=_NO_PAGING)
        size = page_size(asked)
        after = read_token(asked, _is_place)[0] if asked.page_token else 0
        found = self._desk.catalog.read(lambda db: recording_rows.recordings_after(db, channel, after, size + 1))
        answer: Answer = {"recordings": [_shown(parent, one) for _, one in found[:size]]}
        if len(found) > size:
            answer["nextPageToken"] = write_token(asked, [found[size - 1][0]])
        return answer

    async def get(self, http: Request) -> Answer:
        parent, channel = self._channel(http)
        return _shown(parent, await self._recordings.get(channel, http.path_params["r"]))

    async def delete(self, http: Request) -> Answer:
        parent, channel = self._channel(http)
        return _shown(parent, await self._recordings.delete(channel, http.path_params["r"]))

    def act(self, verb: str) -> Callable[[Request], Awaitable[Answer]]:
        """Stop, pause, resume or cancel one."""

        async def handler(http: Request) -> Answer:
            parent, channel = self._channel(http)
            return _shown(parent, await getattr(self._recordings, verb)(channel, http.path_params["r"]))

        return handler

    def _channel(self, http: Request) -> tuple[str, str]:
        """The channel's name, and its id in the domain; NOT_FOUND."""
        parts = http.path_params
        name = f"projects/{parts['p']}/locations/{parts['l']}/channels/{parts['c']}"
        return name, self._desk.domain_id(name, field="parent")


def _endpoint(handler: Callable[[Request], Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(http: Request) -> Response:
        try:
            return JSONResponse(await handler(http))
        except LiveDvrError as error:
            return refusal(error)

    return endpoint


def _spec(body: bytes) -> RecordingSpec:
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("this is no JSON", field="body") from error
    if not isinstance(given, dict):
        raise InvalidArgument("this is no JSON object", field="body")
    names = {field.alias or name: name for name, field in RecordingSpec.model_fields.items()}
    for name in given.keys() - names.keys() - set(names.values()):
        raise InvalidArgument("there is no such field", field=name, hint=f"there are {', '.join(names)}")
    spec = RecordingSpec(**given)
    for i, notify in enumerate(spec.notify):
        if notify.context:
            raise InvalidArgument("facades set it", field=f"notify[{i}].context", hint="leave it out")
    return spec


def _is_place(key: Any) -> bool:
    return isinstance(key, list) and list(map(type, key)) == [int] and 0 <= key[0] < 2**63


def _shown(parent: str, recording: Recording) -> Answer:
    shown = recording.model_dump(mode="json", by_alias=True)
    return {"name": f"{parent}/recordings/{recording.recording_id}", **shown}
