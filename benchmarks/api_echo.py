"""``python -m benchmarks.api_echo HTTP GRPC FOLDER``: the answers in FOLDER (``{rpc}.pb``), no DVR behind them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
import uvicorn
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from livedvr.api.methods import METHODS, Method


def route(method: Method, answer: Any) -> Route:
    """Over REST."""

    async def endpoint(http: Request) -> JSONResponse:
        return JSONResponse(json_format.MessageToDict(answer))

    return Route(method.route, endpoint)


def handler(method: Method, answer: Any) -> grpc.RpcMethodHandler:
    """Over gRPC."""

    async def handle(request: Any, context: Any) -> Any:
        return answer

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=method.request.FromString,
        response_serializer=method.response.SerializeToString,
    )


async def serve(http: str, address: str, folder: Path) -> None:
    """Until it is ended."""
    answers = {
        method: method.response.FromString(file.read_bytes())
        for method in METHODS
        if (file := folder / f"{method.rpc}.pb").exists()
    }
    doors = grpc.aio.server()
    for method, answer in answers.items():
        rpcs = {method.rpc: handler(method, answer)}
        doors.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(method.service, rpcs),))
    doors.add_insecure_port(address)
    await doors.start()
    app = Starlette(routes=[route(method, answer) for method, answer in answers.items()])
    config = uvicorn.Config(app, host="127.0.0.1", port=int(http), access_log=False, log_level="error")
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
