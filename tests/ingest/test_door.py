from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders import T0
from livedvr.ingest.door import HELLO, Door, Refusals, admit
from livedvr.ingest.run import Run
from livedvr.ingest.source import Source, parse_source
from livedvr.resources.models import Input, SecurityRule
from livedvr.resources.times import MINUTE, SECOND

pytestmark = pytest.mark.semantics("I4")

KEY = "correct-horse"
NAMED = "[rtmp @ 0x56] [warning] Unexpected stream {}, expecting *\n"
APP = "[rtmp @ 0x56] [warning] App field don't match up: evil <-> live\n"
MEDIA = "[info] Input #0, flv, from 'rtmp://127.0.0.1:1935/live/*':\n"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, ["av"])


@pytest.fixture
def publisher() -> Iterator[int]:
    """Somebody is connected to this port of loopback."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
        server.accept()[0],
    ):
        yield server.getsockname()[1]


def listener(port: int = 1, *ranges: str, key: str | None = KEY) -> Source:
    return parse_source(
        Input(uri=f"rtmp://:{port}/live", stream_key=key, security_rules=SecurityRule(ip_ranges=ranges))
    )


def say(run: Run, *lines: str) -> None:
    with run.log_path.open("a") as log:
        log.writelines(lines)


def test_it_opens_once_for_the_key_and_the_log_does_not_keep_it(run: Run) -> None:
    door = Door(listener(), run)
    assert not door.look(T0) and not door.is_open
    say(run, NAMED.format(KEY))
    assert door.look(T0) and door.is_open
    say(run, NAMED.format(KEY), MEDIA)
    assert not door.look(T0)
    assert run.log_path.read_text() == 2 * NAMED.format("*" * len(KEY)) + MEDIA


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((NAMED.format("wrong"),), "a wrong stream key"),
        ((NAMED.format(KEY + "x"),), "a wrong stream key"),
        ((NAMED.format(""),), "a wrong stream key"),
        ((APP, NAMED.format(KEY)), "a wrong app"),
        ((NAMED.format("wrong"), NAMED.format(KEY)), "a wrong stream key"),
        ((MEDIA, NAMED.format(KEY)), "no stream key"),
    ],
)
def test_it_stays_shut_for_anything_else(run: Run, lines: tuple[str, ...], why: str) -> None:
    door = Door(listener(), run)
    say(run, *lines)
    assert not door.look(T0) and not door.is_open
    assert door.refusal is not None and door.refusal.endswith(why)
    say(run, NAMED.format(KEY))
    assert not door.look(T0) and not door.is_open, "who has been refused does not get a second try"


def test_a_channel_without_a_key_lets_nobody_in(run: Run) -> None:
    door = Door(listener(key=None), run)
    say(run, NAMED.format(""))
    assert not door.look(T0) and door.refusal


def test_half_a_line_is_no_key(run: Run) -> None:
    door = Door(listener(), run)
    say(run, NAMED.format(KEY)[:-3])
    assert not door.look(T0) and door.refusal is None


def test_whoever_connects_and_says_nothing_is_refused_after_a_while(run: Run, publisher: int) -> None:
    door = Door(listener(publisher), run)
    door.look(T0)
    door.look(T0 + HELLO)
    assert door.refusal is None
    door.look(T0 + HELLO + 1)
    assert door.refusal == "it gave no stream key within 10 s"


@pytest.mark.parametrize(("ranges", "opens"), [(("127.0.0.0/8",), True), (("192.0.2.0/24", "::1"), False)])
def test_an_address_has_to_be_allowed(run: Run, publisher: int, ranges: tuple[str, ...], opens: bool) -> None:
    door = Door(listener(publisher, *ranges), run)
    say(run, NAMED.format(KEY))
    assert door.look(T0) == opens
    assert door.refusal == (None if opens else "127.0.0.1 is not in the allow-list")


def test_a_publisher_whose_address_has_not_been_seen_is_not_let_in(run: Run) -> None:
    door = Door(listener(1, "127.0.0.0/8"), run)
    say(run, NAMED.format(KEY))
    assert not door.look(T0) and not door.is_open


def test_the_next_controller_knows_who_has_been_let_in(run: Run) -> None:
    say(run, NAMED.format(KEY))
    Door(listener(), run).look(T0)
    assert Door(listener(), run).is_open


def test_a_run_of_another_source_is_not_taken_for_one_that_the_gateway_let_in(run: Run) -> None:
    fed = replace(listener(), stream_key=None, address=None)
    assert fed.is_fed
    say(run, NAMED.format(KEY), MEDIA)
    door = Door(fed, run)
    assert not door.is_open and door.refusal
    assert not door.look(T0) and not door.is_open
    admit(run)
    assert Door(fed, run).is_open and Door(fed, run).refusal is None


def test_stars_are_no_key_after_a_key_has_been_overwritten(run: Run) -> None:
    say(run, NAMED.format("*" * len(KEY)))
    door = Door(listener(), run)
    assert not door.look(T0) and door.refusal


def test_other_sources_have_no_door_but_their_secrets_leave_the_log_too(run: Run) -> None:
    door = Door(replace(parse_source(Input(uri="rtsp://user:horse%21@cam/1"))), run)
    say(run, "from 'rtsp://user:horse%21@cam/1'\n", "and horse! again\n")
    assert door.is_open and not door.look(T0)
    assert run.log_path.read_text() == "from 'rtsp://user:********@cam/1'\nand ****** again\n"


def test_refusals_are_said_at_most_once_a_minute() -> None:
    refusals = Refusals()
    assert refusals.note(T0, "it gave a wrong app") == "a publisher was refused: it gave a wrong app"
    assert refusals.note(T0 + 59 * SECOND, "again") is None
    assert refusals.note(T0 + MINUTE, "again") == "a publisher was refused: again (1 more refused since the last time)"
