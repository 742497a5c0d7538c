"""The gRPC door: the client's default transport, sync and async."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_status import rpc_status

from livedvr.api.aip.known import check_known
from livedvr.api.dispatch import Dispatcher
from livedvr.api.methods import METHODS, Method
from livedvr.api.status import to_status
from livedvr.resources.errors import Aborted, LiveDvrError


class GrpcDoor:
    """Serves the table on ``ADDRESS:PORT``; ``tls``: certificate chain and key, PEM."""

    def __init__(self, dispatcher: Dispatcher, address: str, tls: tuple[bytes, bytes] | None = None) -> None:
        self._address = address
        self._tls = tls
        self._server = grpc.aio.server(
            options=[("grpc.so_reuseport", 0)]
        )  # a taken port is an error, not a second server
        rpcs: defaultdict[str, dict[str, grpc.RpcMethodHandler]] = defaultdict(dict)
        for method in METHODS:
            rpcs[method.service][method.rpc] = grpc.unary_unary_rpc_method_handler(
                _handler(dispatcher, method),
                request_deserializer=method.request.FromString,
                response_serializer=method.response.SerializeToString,
            )
        self._server.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(service, handlers) for service, handlers in rpcs.items())
        )

    async def open(self) -> None:
        """Answer from now on. ABORTED: the port is taken."""
        try:
            if self._tls is None:
                self._server.add_insecure_port(self._address)
            else:
                chain, key = self._tls
                self._server.add_secure_port(self._address, grpc.ssl_server_credentials([(key, chain)]))
        except RuntimeError as error:  # all that grpc says
            raise Aborted(f"cannot listen on {self._address}", field="--grpc", hint="is the port taken?") from error
        await self._server.start()

    async def close(self) -> None:
        """Answer no more; what is being answered gets a second."""
        await self._server.stop(1)


def _handler(dispatcher: Dispatcher, method: Method) -> Callable[[Any, Any], Awaitable[Any]]:
    async def handle(request: Any, context: Any) -> Any:
        try:
            check_known(request)
            return await dispatcher.answer(method, request)
        except LiveDvrError as error:
            await context.abort_with_status(rpc_status.to_status(to_status(error)))

    return handle
