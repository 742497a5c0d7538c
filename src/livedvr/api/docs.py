"""``/openapi.json`` for programs, ``/docs`` for people: Swagger UI, all of it from here, nothing from the internet."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from livedvr.api.openapi import document

# Only what is served here, and pictures within the style sheet; Swagger UI writes style attributes of its own.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>livedvr: Live Stream API v1</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/static/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/static/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = """\
SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true, docExpansion: "list",
  defaultModelsExpandDepth: 0, validatorUrl: null});
"""


def is_documentation(path: str) -> bool:
    """Whether it says what the API is, and nothing of what is in it: a browser has no token to show for it."""
    return path in ("/openapi.json", "/docs") or path.startswith("/docs/")


def docs_routes() -> list[BaseRoute]:
    """What is served beside the API itself."""
    return [
        Route("/openapi.json", _openapi),
        Route("/docs", _page),
        Route("/docs/start.js", _start),
        Mount("/docs/static", StaticFiles(packages=[("fastapi_offline", "static")])),
    ]


async def _openapi(http: Request) -> Response:
    return Response(_text(), media_type="application/json")


@cache
def _text() -> bytes:
    return json.dumps(document(version("livedvr"))).encode()


async def _page(http: Request) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(_PAGE, media_type="text/html", headers=headers)


async def _start(http: Request) -> Response:
    return Response(_START, media_type="text/javascript")
