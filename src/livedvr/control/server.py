"""The owner's end of the control socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from livedvr.control.wire import (
    LONGEST_REQUEST,
    RecordingRequest,
    Request,
    error_line,
    parse_request,
    result_line,
    socket_address,
)
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, LiveDvrError
from livedvr.resources.models import DvrSession, TimeInterval
from livedvr.resources.recording import Recording, RecordingSpec

PATIENCE = 5.0  # seconds that a client has to say what it wants, and to take its answer
_PEER = struct.Struct("3i")  # struct ucred: pid, uid, gid


class Sessions(Protocol):
    """The sessions of a channel, see `livedvr.sessions.manager.SessionManager`."""

    def list(self) -> list[DvrSession]:
        """All sessions by creation."""

    def get(self, session_id: str) -> DvrSession:
        """The session, or NOT_FOUND."""

    async def update(
        self,
        session_id: str,
        *,
        intervals: Sequence[TimeInterval] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> DvrSession:
        """Patch the session."""

    async def delete(self, session_id: str) -> None:
        """Delete the session; returns when it is gone."""

    def watch(self, session_id: str) -> AsyncGenerator[DvrSession, None]:
        """The session now and after each change, until it is FINISHED, FAILED or gone."""


class Recordings(Protocol):
    """The recordings of a channel, see `livedvr.recordings.manager.RecordingManager`."""

    def list(self) -> list[Recording]:
        """All of them by creation."""

    def get(self, recording_id: str) -> Recording:
        """One, or NOT_FOUND."""

    async def start(self, recording_id: str, spec: RecordingSpec) -> Recording:
        """Begin one."""


async def perform_recording(recordings: Recordings, request: RecordingRequest) -> list[Recording]:
    """Carry a request out; the recordings it speaks of, as they stand afterwards."""
    match request.recordings:
        case "list":
            return recordings.list()
        case "get":
            return [recordings.get(request.recording)]
        case "start":
            return [await recordings.start(request.recording, request.spec)]
        case verb:
            return [await getattr(recordings, verb)(request.recording)]


async def perform(sessions: Sessions, request: Request) -> list[DvrSession]:
    """Carry a request out; the sessions it speaks of, as they stand afterwards."""
    match request.method:
        case "list":
            return sessions.list()
        case "get":
            return [sessions.get(request.session)]
        case "update":
            # Nothing is awaited between the look and the update, which excludes others: this is one step (S17).
            now, patch = sessions.get(request.session), request.patch
            updated = await sessions.update(
                request.session, intervals=patch.windows_of(now), labels=patch.labels_of(now)
            )
            return [await _dated(sessions, updated)]
        case "delete":
            await sessions.delete(request.session)
            return []


async def _dated(sessions: Sessions, session: DvrSession) -> DvrSession:
    """When a COOLDOWN will be over is known as soon as ENDLIST is stored (S7); that is waited for a moment."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE), contextlib.aclosing(sessions.watch(session.session_id)) as changes:
            async for session in changes:
                if session.state != "COOLDOWN" or session.cooldown_end_time is not None:
                    break
    return session


class ControlServer:
    """Answers on the control socket in a channel's private folder, while its owner holds the channel's lock.

    Only the same user and root are heard. What a client sends, or does not send, ends nothing.
    """

    def __init__(
        self, private: Path, sessions: Sessions, tasks: asyncio.TaskGroup, recordings: Callable[[], Recordings]
    ) -> None:
        self._private = private
        self._sessions = sessions
        self._recordings = recordings
        self._tasks = tasks
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[None]] = set()
        self._reading: set[asyncio.Task[None]] = set()  # those of them that have not said yet what they want

    async def open(self) -> None:
        """Listen from now on. A socket that an earlier owner has left is replaced. OSError where there can be none."""
        self._server = await asyncio.start_unix_server(self._accept, sock=_bind(self._private), limit=LONGEST_REQUEST)

    async def close(self) -> None:
        """Listen no more; returns when what was being carried out is done and answered."""
        if self._server is None:
            return
        self._server.close()
        _remove(self._private)
        for task in self._reading:
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._tasks.create_task(self._serve(reader, writer), name="control")
        for tasks in (self._asked, self._reading):
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)  # `drain` returns when the client has everything
        try:
            async with asyncio.timeout(PATIENCE):
                line = await _read(reader)
            self._reading -= {asyncio.current_task()}
            answer = await self._answer(line, writer)
            async with asyncio.timeout(PATIENCE):
                writer.write(answer)
                await writer.drain()
        except OSError:  # it hangs or has gone, and nobody is left to be told; TimeoutError is one, too
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, line: bytes | None, writer: asyncio.StreamWriter) -> bytes:
        try:
            _check_peer(writer)
            if line is None:
                raise InvalidArgument("this is no request: it is too long")
            request = parse_request(line)
            if isinstance(request, RecordingRequest):
                return result_line(await perform_recording(self._recordings(), request))
            return result_line(await perform(self._sessions, request))
        except LiveDvrError as error:
            return error_line(error)
        except Exception as error:  # noqa: BLE001 - it is the client's answer, and the channel must live on
            return error_line(LiveDvrError(f"{type(error).__name__}: {error}"))


def _bind(private: Path) -> socket.socket:
    """A socket that listens there for nobody but its user."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        os.fchmod(listening.fileno(), 0o600)  # before it has a name: the file is made with this mode
        with socket_address(private) as address:
            Path(address).unlink(missing_ok=True)
            listening.bind(address)
    except BaseException:
        listening.close()
        raise
    return listening


def _remove(private: Path) -> None:
    with contextlib.suppress(OSError), socket_address(private) as address:  # the output itself may have gone
        Path(address).unlink()


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    """A line; None when it is longer than any request."""
    try:
        return await reader.readline()
    except ValueError:
        return None


def _check_peer(writer: asyncio.StreamWriter) -> None:
    """FAILED_PRECONDITION unless the client is of the same user, or root."""
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, uid, _ = _PEER.unpack(peer)
    if uid not in (os.geteuid(), 0):
        raise FailedPrecondition("only the user who runs the controller, and root, may speak to it")
