"""Server and client over real sockets; the sessions behind them are a stand-in."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from livedvr.control import server as server_module
from livedvr.control.client import ask_owner
from livedvr.control.server import ControlServer
from livedvr.control.wire import LONGEST_REQUEST, RecordingRequest, Request, error_line, parse_answer, socket_address
from livedvr.resources import errors
from livedvr.resources.errors import FailedPrecondition, LiveDvrError, NotFound, PermissionDenied
from livedvr.resources.models import DvrSession, Gap, TimeInterval
from livedvr.resources.recording import Notify, Recording, RecordingSpec
from livedvr.resources.session_patch import SessionPatch

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


def session(**changes: object) -> DvrSession:
    given: dict[str, object] = {
        "session_id": "demo",
        "channel_id": "live",
        "manifest_key": "main",
        "output_uri": "/srv/tv/dvr/demo/main.m3u8",
        "dvr_windows": (TimeInterval(start_time=NOW),),
        "state": "LIVE",
        "create_time": NOW,
        "update_time": NOW,
        "duration": timedelta(seconds=6, microseconds=21_354),
        "gaps": (Gap(start_time=NOW, end_time=NOW + timedelta(seconds=1), reason="source lost"),),
        "labels": {"a": "b"},
    }
    return DvrSession(**given | changes)


class Sessions:
    """What the server is asked for ends up here."""

    def __init__(self) -> None:
        self.stored = session()
        self.asked: list[object] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.begun = asyncio.Event()
        self.refuses: Exception | None = None

    def list(self) -> list[DvrSession]:
        return [self.stored, session(session_id="other")]

    def get(self, session_id: str) -> DvrSession:
        if session_id != "demo":
            raise errors.NotFound(f"there is no session '{session_id}' on channel 'live'", field="dvrSession")
        return self.stored

    async def update(
        self,
        session_id: str,
        *,
        intervals: Sequence[TimeInterval] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> DvrSession:
        self.asked.append((intervals, labels))
        self.begun.set()
        await self.may_end.wait()
        if self.refuses is not None:
            raise self.refuses
        return self.stored

    async def delete(self, session_id: str) -> None:
        self.asked.append(session_id)

    async def watch(self, session_id: str) -> AsyncGenerator[DvrSession, None]:
        while True:
            yield self.stored
            self.stored = self.stored.model_copy(update={"cooldown_end_time": NOW})


@pytest.fixture
def private(tmp_path: Path) -> Path:
    # Longer than an address of a Unix socket can be.
    folder = tmp_path / ("x" * 120)
    folder.mkdir(mode=0o700)
    return folder


class NoRecordings:
    """A channel that has none."""

    def list(self) -> list[Recording]:
        return []

    def get(self, recording_id: str) -> Recording:
        raise NotFound(f"there is no recording '{recording_id}'")

    async def start(self, recording_id: str, spec: RecordingSpec) -> Recording:
        raise PermissionDenied(f"not '{recording_id}' with {spec.notify[0].secret}")

    async def stop(self, recording_id: str) -> Recording:
        raise FailedPrecondition(f"'{recording_id}' has ended")


@pytest.mark.parametrize(
    ("request_", "kind", "text"),
    [
        (RecordingRequest(recordings="get", recording="a"), NotFound, "no recording 'a'"),
        (RecordingRequest(recordings="stop", recording="a"), FailedPrecondition, "'a' has ended"),
        (
            RecordingRequest(
                recordings="start", recording="a", spec=RecordingSpec(notify=(Notify(uri="http://x/", secret="s"),))
            ),
            PermissionDenied,
            r"not 'a' with \*+",
        ),
    ],
)
async def test_recordings_are_asked_for_the_same_way(
    private: Path, request_: RecordingRequest, kind: type[LiveDvrError], text: str
) -> None:
    async with serving(private, Sessions()):
        assert parse_answer(await raw(private, RecordingRequest(recordings="list").to_line()), Recording) == []
        with pytest.raises(kind, match=text):
            parse_answer(await raw(private, request_.to_line()), Recording)


@asynccontextmanager
async def serving(private: Path, sessions: Sessions) -> AsyncIterator[ControlServer]:
    async with asyncio.TaskGroup() as tasks:
        server = ControlServer(private, sessions, tasks, NoRecordings)
        await server.open()
        try:
            yield server
        finally:
            await server.close()


async def raw(private: Path, data: bytes) -> bytes:
    """What comes back for these bytes."""
    with socket_address(private) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


async def test_each_method_brings_the_sessions_as_they_stand(private: Path) -> None:
    sessions = Sessions()
    async with serving(private, sessions):
        assert await ask_owner(private, Request(method="list")) == sessions.list()
        assert await ask_owner(private, Request(method="get", session="demo")) == [session()]
        assert await ask_owner(private, Request(method="delete", session="demo")) == []
    assert sessions.asked == ["demo"]


@pytest.mark.semantics("S17")
async def test_an_update_is_one_step_from_the_look_to_the_patch(private: Path) -> None:
    sessions = Sessions()
    async with serving(private, sessions):
        patch = SessionPatch(end_time=NOW + timedelta(seconds=9), labels={"a": None, "c": "d"})
        assert await ask_owner(private, Request(method="update", session="demo", patch=patch)) == [session()]
    window = TimeInterval(start_time=NOW, end_time=NOW + timedelta(seconds=9))
    assert sessions.asked == [((window,), {"c": "d"})]


@pytest.mark.semantics("S7")
async def test_the_answer_to_an_update_waits_until_the_end_of_the_cooldown_is_known(private: Path) -> None:
    sessions = Sessions()
    sessions.stored = session(state="COOLDOWN")
    async with serving(private, sessions):
        patch = SessionPatch(end_time=NOW)
        answer = await ask_owner(private, Request(method="update", session="demo", patch=patch))
    assert answer is not None and answer[0].cooldown_end_time == NOW


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidArgument("a", field="dvrWindows[0].endTime", hint="b"),
        errors.FailedPrecondition("a"),
        errors.NotFound("a", field="f"),
        errors.AlreadyExists("a"),
        errors.Aborted("a", hint="h"),
        errors.SourceError("a"),
        errors.StorageError("a"),
        errors.ObjectConflict("a"),
        errors.LiveDvrError("a"),
    ],
)
async def test_an_error_arrives_as_it_was_raised(private: Path, error: errors.LiveDvrError) -> None:
    sessions = Sessions()
    sessions.refuses = error
    async with serving(private, sessions):
        with pytest.raises(errors.LiveDvrError) as caught:
            await ask_owner(private, Request(method="update", session="demo"))
    assert type(caught.value) is type(error)
    assert str(caught.value) == str(error)
    told = json.loads(error_line(error))["error"]
    assert (told["code"], told["message"]) == (error.code, "a")


async def test_a_defect_behind_a_request_is_its_answer_and_ends_nothing(private: Path) -> None:
    sessions = Sessions()
    sessions.refuses = ZeroDivisionError("oh")
    async with serving(private, sessions):
        with pytest.raises(errors.LiveDvrError, match="ZeroDivisionError: oh") as caught:
            await ask_owner(private, Request(method="update", session="demo"))
        assert caught.value.code == "INTERNAL"
        assert await ask_owner(private, Request(method="list")) == sessions.list()


async def test_nobody_listens_where_there_is_no_owner(private: Path, tmp_path: Path) -> None:
    assert await ask_owner(private, Request(method="list")) is None
    assert await ask_owner(tmp_path / "nothing", Request(method="list")) is None
    async with serving(private, Sessions()):
        assert (private / "control.sock").exists()
    assert not (private / "control.sock").exists(), "it goes with the owner"
    assert await ask_owner(private, Request(method="list")) is None


async def test_a_socket_that_a_killed_owner_has_left_is_nobody_and_is_replaced(private: Path) -> None:
    with socket_address(private) as address, socket.socket(socket.AF_UNIX) as dead:
        dead.bind(address)
    assert await ask_owner(private, Request(method="list")) is None
    async with serving(private, Sessions()):
        assert await ask_owner(private, Request(method="list")) is not None


async def test_the_socket_is_its_user_s_alone(private: Path) -> None:
    before = os.umask(0)
    try:
        async with serving(private, Sessions()):
            mode = (private / "control.sock").stat().st_mode
    finally:
        os.umask(before)
    assert stat.S_IMODE(mode) == 0o600


async def test_another_user_is_not_heard(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions()
    async with serving(private, sessions):
        # The peer says another user id than this process has, and not root's.
        monkeypatch.setattr(server_module.os, "geteuid", lambda: 4_000_000)
        monkeypatch.setattr(server_module, "_PEER", _Peer(4_000_001))
        with pytest.raises(errors.FailedPrecondition, match="only the user who runs the controller"):
            await ask_owner(private, Request(method="delete", session="demo"))
        monkeypatch.setattr(server_module, "_PEER", _Peer(0))
        await ask_owner(private, Request(method="delete", session="demo"))
    assert sessions.asked == ["demo"]


class _Peer:
    """Reads a user id of its own out of any credentials."""

    size = 12

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def unpack(self, _: bytes) -> tuple[int, int, int]:
        return 1, self._uid, 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b'{"method": "drop"}\n',
        b'{"method": "list", "more": 1}\n',
        b'{"method": "update", "session": "demo", "patch": {"windows": [{"startTime": "yesterday"}]}}\n',
        b'{"method": "update", "session": "demo", "patch": {"duration": []}}\n',
        b"x" * (LONGEST_REQUEST + 10) + b"\n",
    ],
)
async def test_garbage_is_refused_and_disturbs_nobody(private: Path, garbage: bytes) -> None:
    sessions = Sessions()
    async with serving(private, sessions):
        with pytest.raises(errors.InvalidArgument):
            parse_answer(await raw(private, garbage), DvrSession)
        assert await ask_owner(private, Request(method="list")) == sessions.list()
    assert sessions.asked == []


async def test_clients_that_hang_are_left_and_hold_nobody_up(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE", 0.2)
    sessions = Sessions()
    sessions.stored = session(labels={str(i): "x" * 10_000 for i in range(200)})  # more than any socket buffers
    async with serving(private, sessions):
        silent, deaf = await connected(private), await connected(private)
        deaf.sendall(Request(method="list").to_line())
        assert len(await ask_owner(private, Request(method="list")) or []) == 2
        assert await asyncio.to_thread(silent.recv, 100) == b"", "it has said nothing, and it is told nothing"
        silent.close()
    with deaf:
        received = 0
        while data := deaf.recv(1 << 20):
            received += len(data)
    assert received < 2_000_000, "it was left with half an answer"


async def connected(private: Path) -> socket.socket:
    """A client that the server has accepted, with nothing sent yet. It gives up after a while, and the test fails."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    with socket_address(private) as address:
        client.connect(address)
    await ask_owner(private, Request(method="list"))  # accepted later, answered: then this one is accepted, too
    return client


async def test_megabytes_without_an_end_are_not_kept(private: Path) -> None:
    async with serving(private, Sessions()):
        with socket_address(private) as address:
            _, writer = await asyncio.open_unix_connection(address)
        with pytest.raises(OSError):
            while True:
                writer.write(b"x" * (1 << 20))
                await writer.drain()
        writer.close()
        assert await ask_owner(private, Request(method="list")) is not None


async def test_close_lets_what_has_begun_end_and_be_answered(private: Path) -> None:
    sessions = Sessions()
    sessions.may_end.clear()
    async with serving(private, sessions) as server:
        silent = await connected(private)
        asked = asyncio.create_task(ask_owner(private, Request(method="update", session="demo")))
        await sessions.begun.wait()
        closing = asyncio.create_task(server.close())
        assert await asyncio.to_thread(silent.recv, 100) == b"", "who has not said anything yet is left at once"
        silent.close()
        assert not closing.done()
        sessions.may_end.set()
        assert await asked == [session()]
        await closing


async def test_a_client_that_leaves_does_not_stop_what_it_asked_for(private: Path) -> None:
    sessions = Sessions()
    sessions.may_end.clear()
    async with serving(private, sessions):
        asked = asyncio.create_task(ask_owner(private, Request(method="update", session="demo")))
        await sessions.begun.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        sessions.may_end.set()
        assert await ask_owner(private, Request(method="list")) == sessions.list()
    assert len(sessions.asked) == 1


async def test_an_owner_that_does_not_answer_is_named(private: Path) -> None:
    sessions = Sessions()
    sessions.may_end.clear()
    async with serving(private, sessions):
        with pytest.raises(errors.Aborted, match=r"does not answer within 0.1 s .*look again"):
            await ask_owner(private, Request(method="update", session="demo"), patience=0.1)
        sessions.may_end.set()


async def test_an_owner_that_ends_without_an_answer_is_named(private: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"result": [')
        writer.close()

    with socket_address(private) as address:
        server = await asyncio.start_unix_server(hang_up, address)
    async with server:
        with pytest.raises(errors.Aborted, match="ended before it had answered"):
            await ask_owner(private, Request(method="list"))
