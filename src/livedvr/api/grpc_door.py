"""The gRPC door: the client's default transport, sync and async."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import reduce
from typing import Any
from urllib.parse import unquote

import grpc
from grpc_status import rpc_status

from livedvr.api.aip.known import check_known
from livedvr.api.dispatch import Dispatcher
from livedvr.api.guard.limits import LARGEST_BODY, MOST_AT_ONCE
from livedvr.api.guard.porter import Porter
from livedvr.api.methods import METHODS, Method
from livedvr.api.status import to_status
from livedvr.api.watch.requests import Answered, Requests
from livedvr.resources.errors import Aborted, LiveDvrError

# grpc refuses what is larger with RESOURCE_EXHAUSTED of its own.
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a second server
    ("grpc.max_receive_message_length", LARGEST_BODY),
)


class GrpcDoor:
    """Serves the table on ``ADDRESS:PORT``; ``tls``: certificate chain and key, PEM."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        address: str,
        porter: Porter,
        requests: Requests,
        tls: tuple[bytes, bytes] | None = None,
    ) -> None:
        self._address = address
        self._tls = tls
        self._dispatcher = dispatcher
        self._porter = porter
        self._requests = requests
        self._server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=MOST_AT_ONCE)
        rpcs: defaultdict[str, dict[str, grpc.RpcMethodHandler]] = defaultdict(dict)
        for method in METHODS:
            rpcs[method.service][method.rpc] = grpc.unary_unary_rpc_method_handler(
                self._handler(method),
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

    async def close(self, grace: float) -> None:
        """Answer no more; what is being answered gets ``grace`` seconds."""
        await self._server.stop(grace)

    def _handler(self, method: Method) -> Callable[[Any, Any], Awaitable[Any]]:
        async def handle(request: Any, context: Any) -> Any:
            began, client, code = self._requests.now(), _address(context.peer()), "CANCELLED"
            try:
                headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
                client = self._porter.admit(headers, client, reads=method.reads)
                check_known(request)
                answer, code = await self._dispatcher.answer(method, request), "OK"
                return answer
            except LiveDvrError as error:
                code = error.code
                await context.abort_with_status(rpc_status.to_status(to_status(error)))
            finally:
                self._requests.tell(Answered("grpc", method.rpc, _resource(method, request), code, began, client))

        return handle


def _address(peer: str) -> str:
    """``127.0.0.1`` of ``ipv4:127.0.0.1:40000``, ``::1`` of ``ipv6:%5B::1%5D:40000``."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]") or peer


def _resource(method: Method, request: Any) -> str:
    return str(reduce(getattr, method.variable.split("."), request))
