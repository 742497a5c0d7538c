"""Each request of a facade's clients in the log and the metrics, as those at the server's own doors are."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livedvr.api.watch.requests import Answered, Requests


def told(app: ASGIApp, facade: str, requests: Requests) -> ASGIApp:
    """The app, which tells. Of what is asked for the verb alone: paths and queries are signed, or are keys themselves.

    The code is HTTP's; 499: who asked has gone.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, code = requests.now(), "499"

        async def sent(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await app(scope, receive, sent)
        finally:
            client = (scope.get("client") or ("-",))[0]
            requests.tell(Answered(facade, "-", scope["method"], code, began, client))

    return answer
