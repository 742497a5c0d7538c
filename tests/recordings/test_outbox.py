"""What is to be told of recordings is told: again and again by schedule, across a restart, and nowhere it may not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builders import T0, FakeClock, channel
from held_house import HeldHouse
from livedvr.catalog import channel_rows, notification_rows, recording_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.recordings.dialects import NATIVE, Native
from livedvr.recordings.outbox import Outbox
from livedvr.resources.errors import InvalidArgument, PermissionDenied
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.resources.recording import Notify, Recording, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import WebhookPolicy
from livedvr.sessions.held_channel import HeldChannel
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.timeline import ChannelTimeline, Timeline
from receiver import Receiver

DELAYS = [1, 2, 4, 8, 60, 1800, 3600, 7200]


class House(HeldHouse):
    """A channel's outbox, which may tell one ``host:port``."""

    def __init__(self, folder: Path, authority: str) -> None:
        super().__init__(folder, T0)
        self.policy = WebhookPolicy.of([authority])

    async def open(self) -> House:
        self.outbox = Outbox(await self.hold(), NATIVE, self.policy)
        self.task = asyncio.create_task(self.outbox.run())
        return self

    async def tell(self, uri: str, state: str = "SUCCEEDED", others: tuple[str, ...] = (), name: str = "take") -> None:
        spec = RecordingSpec(notify=(Notify(uri=uri, others=others, secret="key"),))
        now = to_datetime(T0)
        recording = Recording(
            recording_id=name,
            channel_id="live",
            spec=spec,
            state=state,
            spans=(TimeInterval(start_time=now, end_time=now),),
            create_time=now,
            update_time=now,
        )

        def work(db: sqlite3.Connection) -> None:
            if recording_rows.find_recording(db, "live", name) is None:
                recording_rows.add_recording(db, recording)
            self.outbox.tell(db, recording)

        await self.catalog.write(work)
        self.outbox.wake()

    def waiting(self) -> list[int]:
        """In how many seconds each is to be sent."""
        rows = self.catalog.read(lambda db: notification_rows.first_notifications(db, "live"))
        return [(row.next - self.clock.now()) // SECOND for row in rows]

    def lost(self) -> list[str]:
        return [text for _, kind, text in self.catalog.read(lambda db: channel_rows.list_events(db, "live", 0))]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as told:
        yield told


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    made = await House(tmp_path, receiver.authority).open()
    yield made
    await made.close()


async def test_it_is_told_once_and_signed(house: House, receiver: Receiver) -> None:
    uri = receiver.uri("/hook?x=1")
    await house.tell(uri, "RECORDING")
    await house.tell(uri)
    await house.clock.asleep()
    (posted,) = receiver.got
    assert posted.headers["x-livedvr-event"] == "RECORDING_SUCCEEDED"
    assert posted.headers["host"] == receiver.authority
    signed = Native().headers(uri, "RECORDING_SUCCEEDED", posted.body, "key")["X-Livedvr-Signature"]
    assert posted.headers["x-livedvr-signature"] == signed
    told = posted.json()
    assert told["recordingId"] == "take" and "key" not in json.dumps(told["spec"]["notify"][0]["secret"])
    assert house.waiting() == [] == house.lost()


async def test_the_schedule_goes_on_across_a_restart_and_has_an_end(
    house: House, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [500] * 9
    await house.tell(receiver.uri("/hook"))
    for attempt, delay in enumerate(DELAYS):
        await house.clock.asleep()
        assert (len(receiver.got), house.waiting()) == (attempt + 1, [delay])
        if attempt == 3:
            await house.close()
            await house.open()
            await house.clock.asleep()
        house.clock.advance(delay * SECOND - 1)
        await house.clock.asleep()
        assert len(receiver.got) == attempt + 1, "not earlier"
        house.clock.advance(1)
    await house.clock.asleep()
    assert len(receiver.got) == 9 and len({posted.body for posted in receiver.got}) == 1, "the same body each time"
    assert house.waiting() == []
    assert house.lost() == [
        f"RECORDING_SUCCEEDED of recording 'take' to {receiver.uri('/hook')}: 9 attempts, it is answered with 500"
    ]
    told = [(one.message, one.__dict__["fields"]) for one in caplog.records if one.name == "livedvr.recordings.outbox"]
    where = {"channel": "live", "recording": "take", "dialect": "livedvr", "host": receiver.authority}
    assert told == [
        ("notification failed", {**where, "why": "it is answered with 500"}),
        ("notification lost", {**where, "why": "9 attempts, it is answered with 500"}),
    ]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_followed_by_the_same_post(house: House, receiver: Receiver, status: int) -> None:
    receiver.statuses, receiver.redirects = [status, 204], {"/old": "/new", "/new": "/newer"}
    await house.tell(receiver.uri("/old"))
    await house.clock.asleep()
    old, new = receiver.got
    assert (old.uri, new.uri) == (receiver.uri("/old"), receiver.uri("/new"))
    assert old.headers == new.headers, "also the signature, which is of the first URI"
    assert old.body == new.body and house.waiting() == [] == house.lost()


async def test_a_redirect_that_goes_round_is_a_failure_and_one_into_a_private_network_the_end(
    house: House, receiver: Receiver
) -> None:
    receiver.redirects = {"/old": "/round", "/round": "/round"}
    await house.tell(receiver.uri("/old"))
    await house.clock.asleep()
    assert (len(receiver.got), house.waiting()) == (6, [1])
    receiver.redirects = {"/old": "http://10.0.0.7/"}
    house.clock.advance(SECOND)
    await house.clock.asleep()
    assert house.waiting() == [] and "10.0.0.7:80 lies in a private network" in house.lost()[0]


async def test_a_redirect_to_what_no_request_can_name_ends_nothing_but_the_message(
    house: House, receiver: Receiver
) -> None:
    receiver.redirects = {"/old": "/h\u00f6ren"}
    await house.tell(receiver.uri("/old"))
    await house.clock.asleep()
    assert house.waiting() == [] and "percent-encoded" in house.lost()[0]
    await house.tell(receiver.uri("/next"))
    await house.clock.asleep()
    assert [posted.uri for posted in receiver.got] == [receiver.uri("/old"), receiver.uri("/next")]


async def test_others_are_told_instead_each_at_once_then_by_schedule(house: House, receiver: Receiver) -> None:
    a, b, c = (receiver.uri(path) for path in ("/a", "/b", "/c"))
    receiver.statuses = [500, 404, 503, 500]
    await house.tell(a, others=(b, c))
    await house.clock.asleep()
    assert ([posted.uri for posted in receiver.got], house.waiting()) == ([a, b, c], [1])
    await house.close()
    await house.open()
    house.clock.advance(SECOND)
    await house.clock.asleep()
    assert house.waiting() == [2]
    house.clock.advance(2 * SECOND)
    await house.clock.asleep()
    assert [posted.uri for posted in receiver.got] == [a, b, c, a, b] and house.waiting() == [] == house.lost()


async def test_one_of_others_that_may_not_be_told_is_passed_over(house: House, receiver: Receiver) -> None:
    await house.tell("http://10.0.0.7/", others=(receiver.uri("/b"),))
    await house.clock.asleep()
    assert [posted.uri for posted in receiver.got] == [receiver.uri("/b")] and house.waiting() == [] == house.lost()


async def test_what_a_receiver_does_not_take_of_one_recording_holds_up_no_other(
    house: House, receiver: Receiver
) -> None:
    uri = receiver.uri("/hook")
    receiver.statuses = [400]
    await house.tell(uri)
    await house.clock.asleep()
    await house.tell(uri)
    await house.tell(uri, name="other")
    await house.clock.asleep()
    told = [posted.json()["recordingId"] for posted in receiver.got]
    assert (told, house.waiting()) == (["take", "other"], [1]), "of one, in its order"


async def test_who_is_not_there_gets_it_later(house: House) -> None:
    async with await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0) as server:
        house.policy = WebhookPolicy.of([f"127.0.0.1:{server.sockets[0].getsockname()[1]}"])
        port = server.sockets[0].getsockname()[1]
        await house.close()
        await house.open()
        await house.tell(f"http://127.0.0.1:{port}/")
        await house.clock.asleep()
    assert house.waiting() == [1]


async def test_a_name_that_leads_into_a_private_network_is_not_called(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("10.0.0.7", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    await house.tell("http://hooks.example/")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(house.clock.asleep(), 20)
    assert house.waiting() == []
    (text,) = house.lost()
    assert "hooks.example is 10.0.0.7: no webhook goes into a private network unless allowed" in text


def test_what_is_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    try:
        known = ChannelTimeline(Timeline(["av"]), 2)
        held = HeldChannel(channel(), known, MemoryStore(), catalog, Owner("live", 1), FakeClock())
        outbox = Outbox(held, NATIVE, WebhookPolicy())
        with pytest.raises(PermissionDenied, match=r"127\.0\.0\.1:80 lies in a private network"):
            outbox.check(Notify(uri="http://127.0.0.1/"), field="notify[0]")
        with pytest.raises(PermissionDenied) as told:
            outbox.check(Notify(uri="https://a.example/", others=("http://[::1]/",)), field="notify[0]")
        assert told.value.field == "notify[0].others[0]"
        with pytest.raises(InvalidArgument, match="no dialect 'x'"):
            outbox.check(Notify(uri="https://a.example/", dialect="x"), field="notify[0]")
    finally:
        catalog.close()
