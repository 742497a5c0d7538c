"""Recordings of a call: each has its turn, hears its prompts and the beep, and is recorded from there on."""

from __future__ import annotations

import array
import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from builders import FakeClock, at
from livedvr.recordings.downlink import Downlink
from livedvr.recordings.prompts import RATE, beep, samples_of
from livedvr.recordings.silence import level
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import to_micros
from livedvr.resources.recording import RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import WebhookPolicy
from recording_house import RecordingHouse, spans
from recordings.sounds import a_wav

BEEP = SECOND // 4


class Prompts:
    """A server of wavs: by path, a status and a body."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, bytes]] = {"/hello.wav": (200, a_wav(1))}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
        status, body = self.files.get(path, (404, b""))
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def prompts() -> AsyncIterator[tuple[Prompts, str]]:
    found = Prompts()
    async with await asyncio.start_server(found.serve, "127.0.0.1", 0) as server:
        yield found, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def house(prompts: tuple[Prompts, str], tmp_path: Path) -> AsyncIterator[RecordingHouse]:
    made = await RecordingHouse(tmp_path, WebhookPolicy.of([prompts[1]])).open()
    yield made
    await made.close()


async def hear(house: RecordingHouse, listener: AsyncGenerator[bytes, None]) -> bytes:
    """The next block, while time passes."""
    block = asyncio.ensure_future(anext(listener))
    while not block.done():
        await asyncio.sleep(0)
        house.clock.advance(SECOND // 200)
    return block.result()


async def test_each_has_its_turn(house: RecordingHouse) -> None:
    calls = {name: await house.start(name, queue="call") for name in ("a", "b", "c")}
    other = await house.start("other", queue="another call")
    assert [one.state for one in (*calls.values(), other)] == ["PROMPTING", "QUEUED", "QUEUED", "PROMPTING"]
    assert house.recordings.get("b").spans == ()
    await house.until("a", "IDLE")
    await house.bring(2)
    assert house.state("b") == ("QUEUED", None)
    await house.recordings.stop("a")
    assert spans(await house.until("b", "IDLE")) == [(4, None)], "it begins when it is its turn"
    await house.recordings.cancel("b")
    await house.until("c", "IDLE")


async def test_who_barges_in_cancels_all_before_it(house: RecordingHouse) -> None:
    for name in ("a", "b"):
        await house.start(name, queue="call")
    await house.start("other", queue="another call")
    barging = await house.start("c", queue="call", barge_in=True)
    assert [house.state(name)[0] for name in ("a", "b")] == ["CANCELED", "CANCELED"]
    assert barging.state == "PROMPTING" and house.state("other")[0] != "CANCELED"


async def test_a_prompt_that_no_request_can_name_ends_its_recording_alone(
    house: RecordingHouse, prompts: tuple[Prompts, str]
) -> None:
    await house.start(queue="call", prompts=(f"http://{prompts[1]}/h\u00f6r.wav",))
    failed = await house.until("take", "FAILED")
    assert (failed.end_reason, "percent-encoded" in (failed.error or "")) == ("PROMPT_FAILED", True)
    assert not house.task.done()


async def test_it_begins_behind_the_prompt_and_the_beep(house: RecordingHouse, prompts: tuple[Prompts, str]) -> None:
    heard, listener = bytearray(), house.recordings.downlink("call").listen()
    heard += await anext(listener)
    uri = f"http://{prompts[1]}/hello.wav"
    asked = await house.start(queue="call", prompts=(uri,), beep=True)
    assert asked.state == "PROMPTING"
    prompting = asyncio.create_task(house.until("take", "IDLE"))
    started = house.clock.now()
    while not prompting.done():
        heard += await hear(house, listener)
    begun = prompting.result()
    heard += await hear(house, listener)

    assert heard[:4] == b"RIFF" and struct.unpack_from("<HHIIHH", heard, 20) == (1, 1, RATE, 2 * RATE, 2, 16)
    samples = bytes(heard[44:])
    prompt = samples_of(prompts[0].files["/hello.wav"][1])
    first = samples.index(prompt)
    assert samples[first : first + len(prompt) + len(beep())] == prompt + beep(), "one behind the other"
    assert not any(samples[:first]) and not any(samples[first + len(prompt) + len(beep()) :]), "silence otherwise"
    played = started + first // 2 * SECOND // RATE
    assert begun.spans[0].start_time is not None
    assert to_micros(begun.spans[0].start_time) == played + SECOND + BEEP


async def test_prompts_alone(house: RecordingHouse, prompts: tuple[Prompts, str]) -> None:
    await house.start(queue="call", formats=(), prompts=(f"http://{prompts[1]}/hello.wav",))
    await house.start("next", queue="call")
    ended = asyncio.create_task(house.until("take", "SUCCEEDED"))
    while not ended.done():
        await asyncio.sleep(0)
        house.clock.advance(SECOND // 50)
    assert (ended.result().files, ended.result().spans) == ((), ())
    await house.until("next", "IDLE")


@pytest.mark.parametrize(
    ("served", "error"),
    [
        ((404, b""), "answered with 404"),
        ((200, b"RIFF"), "it is no wav"),
        ((200, a_wav(0.1, rate=8000)), "8000 Hz"),
        ((200, a_wav(0.1, channels=2)), "2 channels"),
        ((200, a_wav(0.1, width=1)), "8 bits"),
        ((200, bytes((10 << 20) + 1)), "longer than"),
    ],
)
async def test_a_prompt_that_cannot_be_played(
    house: RecordingHouse, prompts: tuple[Prompts, str], served: tuple[int, bytes], error: str
) -> None:
    prompts[0].files["/wrong.wav"] = served
    await house.start(queue="call", prompts=(f"http://{prompts[1]}/wrong.wav",))
    await house.start("next", queue="call")
    failed = await house.until("take", "FAILED")
    assert failed.end_reason == "PROMPT_FAILED" and error in (failed.error or "")
    await house.until("next", "IDLE")


async def test_a_prompt_comes_from_nowhere_in_private(house: RecordingHouse) -> None:
    await house.start(queue="call", prompts=("http://127.0.0.1:1/x.wav",))
    failed = await house.until("take", "FAILED")
    assert (failed.error or "").startswith("PERMISSION_DENIED") and failed.end_reason == "PROMPT_FAILED"


async def test_what_is_cancelled_is_not_heard_any_more(house: RecordingHouse, prompts: tuple[Prompts, str]) -> None:
    await house.start(queue="call", prompts=(f"http://{prompts[1]}/hello.wav",))
    listener = house.recordings.downlink("call").listen()
    await anext(listener)
    blocks = []
    while not blocks or not any(blocks[-1]):
        blocks.append(await hear(house, listener))
    await house.recordings.cancel("take")
    await asyncio.sleep(0)  # the task that plays takes note
    await hear(house, listener)
    assert not any(await hear(house, listener))


async def test_a_restart_has_the_prompt_played_again(house: RecordingHouse, prompts: tuple[Prompts, str]) -> None:
    await house.start(queue="call", beep=True)
    await house.start("next", queue="call")
    await house.close()
    await house.open()
    assert (house.state("take")[0], house.state("next")[0]) == ("PROMPTING", "QUEUED")
    begun = asyncio.create_task(house.until("take", "IDLE"))
    while not begun.done():
        await asyncio.sleep(0)
        house.clock.advance(SECOND // 50)
    await house.recordings.stop("take")
    await house.until("next", "IDLE")


async def test_a_stop_of_the_channel_ends_those_that_wait(house: RecordingHouse) -> None:
    await house.start(queue="call")
    await house.start("next", queue="call")
    await house.recordings.channel_stopped()
    await house.bring()
    found = await house.ended("next")
    assert (found.state, found.end_reason, found.files) == ("EMPTY", "CHANNEL_STOPPED", ())


@pytest.mark.parametrize(
    "given",
    [{"prompts": ("http://a/",)}, {"beep": True}, {"barge_in": True}, {"formats": (), "queue": "a"}],
)
def test_what_needs_a_queue_or_a_prompt(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        RecordingSpec(**given)


def test_the_beep_is_a_tone_of_1_khz() -> None:
    samples = array.array("h", beep())
    assert len(samples) == RATE // 4 and -15 < level(samples) < -10
    rising = sum(1 for before, after in pairwise(samples) if before <= 0 < after)
    assert rising == 250


async def test_who_listens_too_late_hears_the_latest() -> None:
    clock = FakeClock(at(0))
    downlink = Downlink(clock)
    listener = downlink.listen()
    await anext(listener)
    block = asyncio.ensure_future(anext(listener))
    await clock.asleep()
    clock.advance(60 * SECOND)
    assert len(await block) == 10 * RATE * 2
