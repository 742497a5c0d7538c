"""Around the REST app: who may ask, how large a body is, how long it takes; and what is told of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livedvr.api.guard.browsers import check_browser
from livedvr.api.guard.limits import BODY_SECONDS, LARGEST_BODY, LARGEST_HEAD
from livedvr.api.guard.porter import Porter
from livedvr.api.rest import refusal
from livedvr.api.watch.requests import Answered, Requests
from livedvr.resources.errors import InvalidArgument, LiveDvrError

MEDIA = ("/media/", "/live/")  # what players and CDNs fetch


class TooLarge(InvalidArgument):
    """No request needs so much."""


class HttpGuard:
    """The app behind it is reached by admitted requests only; its media by everybody, if they are public.

    ``is_page``: which paths tell nothing of what is recorded, and are for everybody to read.
    """

    def __init__(
        self,
        app: ASGIApp,
        porter: Porter,
        requests: Requests,
        body_seconds: float = BODY_SECONDS,
        *,
        public_media: bool = False,
        is_page: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._app = app
        self._public_media = public_media
        self._is_page = is_page
        self._porter = porter
        self._requests = requests
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = Body(receive, self._body_seconds, ended=not has_body(scope))
        answer = Answer(send, body)
        began, client = self._requests.now(), (scope.get("client") or ("-",))[0]
        try:
            client = self._admit(scope, client)
            await self._app(scope, body.receive, answer.send)
        except LiveDvrError as error:
            await refusal(error)(scope, receive, answer.send)
        except ClientDisconnect:
            pass  # nobody is there to be told
        finally:
            route = scope.get("route")
            rpc, resource = (route.name, scope["path"].removeprefix("/v1/")) if route else ("-", "-")
            self._requests.tell(Answered("rest", rpc, resource, answer.code, began, client))

    def _admit(self, scope: Scope, peer: str) -> str:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        is_media = scope["path"].startswith(MEDIA)
        # A browser asks first whether a page may send its token, and sends none with that.
        is_preflight = is_media and scope["method"] == "OPTIONS"
        reads = scope["method"] in ("GET", "HEAD") or is_preflight
        is_public = is_media and self._public_media
        if not (self._porter.asks_for_tokens or is_public):
            check_browser(headers, reads=reads)
        needs_nobody = is_public or is_preflight or (reads and self._is_page(scope["path"]))
        client = peer if needs_nobody else self._porter.admit(headers, peer, reads=reads)
        if _length(headers) > LARGEST_BODY:
            raise _too_large("body", LARGEST_BODY)
        if sum(len(name) + len(value) for name, value in headers.items()) > LARGEST_HEAD:
            raise _too_large("headers", LARGEST_HEAD)
        return client


@dataclass(slots=True)
class Body:
    """A request's body as it comes: not too much, not too late."""

    source: Receive
    seconds: float
    size: int = 0
    ended: bool = False
    deadline: float | None = None

    async def receive(self) -> Message:
        """ASGI's receive. TooLarge, or INVALID_ARGUMENT: it is later than any request is."""
        if self.ended:
            return await self.source()
        loop = asyncio.get_running_loop()
        self.deadline = self.deadline or loop.time() + self.seconds
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self.source()
        except TimeoutError:
            raise InvalidArgument(f"it has not come within {self.seconds:g} s", field="body") from None
        self.size += len(message.get("body", b""))
        self.ended = not message.get("more_body", False)
        if self.size > LARGEST_BODY:
            raise _too_large("body", LARGEST_BODY)
        return message


@dataclass(slots=True)
class Answer:
    """What is sent. A connection whose request has not been read to its end is closed behind the answer."""

    target: Send
    body: Body
    code: str = "499"  # until there is one: who asked has gone

    async def send(self, message: Message) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self.code = str(message["status"])
            if not self.body.ended:
                message["headers"] = [*message["headers"], (b"connection", b"close")]
        await self.target(message)


def has_body(scope: Scope) -> bool:
    """Whether a request says that it has one."""
    return any(name in (b"content-length", b"transfer-encoding") and value != b"0" for name, value in scope["headers"])


def _length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isdigit() else 0


def _too_large(what: str, most: int) -> TooLarge:
    return TooLarge(f"more than {most} bytes", field=what, hint="no request needs so much")
