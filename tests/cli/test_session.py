"""`livedvr session` with an owner and without one; no ffmpeg is needed for either."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import RUN
from livedvr import LiveDvr, TimeInterval
from livedvr.catalog import channel_rows
from livedvr.channel_runtime import ChannelLock
from livedvr.cli import main
from livedvr.resources.models import to_datetime
from place import Place, left_by_a_dead_controller


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    return await left_by_a_dead_controller(tmp_path / "out")


# without an owner


@pytest.mark.semantics("P8")
async def test_what_a_dead_controller_has_left_is_read_and_nothing_is_touched(place: Place) -> None:
    await place.add("demo", -3, None)
    await place.add("later", 7200, 7300, state="SCHEDULED")
    before = place.files()
    listed = await asyncio.to_thread(place.run, "list")
    shown = await asyncio.to_thread(place.run, "get", "demo")
    assert place.files() == before
    assert (listed.exit_code, shown.exit_code) == (0, 0)
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert rows[0] == ["SESSION", "STATE", "SEGMENTS", "DURATION", "GAPS", "WINDOWS", "LABELS"]
    assert rows[1] == ["demo", "LIVE", "6", "12.000", "s", "1", f"{place.at(-3)}/..", "kind=news"]
    assert rows[2][:2] == ["later", "SCHEDULED"]
    for ran in (listed, shown):
        assert ran.stderr == "livedvr: nobody runs channel 'live'; `livedvr record --resume` takes it up\n"
    assert f"gap       {place.at(-3)} 3.000 s: no input yet" in shown.stdout
    assert f"window    {place.at(-3)}/.." in shown.stdout
    assert str(place.output / "dvr/demo/main.m3u8") in shown.stdout


async def test_json_is_what_record_prints_and_more(place: Place) -> None:
    await place.add("demo", 0, None)
    shown = await asyncio.to_thread(place.json, "get", "demo")
    assert await asyncio.to_thread(place.json, "list") == [shown]
    assert shown["windows"] == [{"startTime": place.at(0).replace(".000", ""), "endTime": None}]
    assert (shown["session"], shown["state"], shown["segments"], shown["duration"]) == ("demo", "LIVE", 6, 12.0)
    assert (shown["actual_start"], shown["actual_end"]) == (place.at(0), place.at(12))
    assert (shown["labels"], shown["cooldown_end"], shown["gaps"]) == ({"kind": "news"}, None, [])


@pytest.mark.semantics("S8")
async def test_an_update_without_an_owner_starts_nothing_and_leaves_the_session_live(place: Place) -> None:
    await place.add("demo", 0, None)
    shown = await asyncio.to_thread(place.json, "update", "demo", "--end", "+1h", "--label", "a=b", "--label", "kind=")
    assert (shown["state"], shown["labels"], shown["segments"]) == ("LIVE", {"a": "b"}, 6)
    assert shown["windows"][0]["endTime"] is not None
    assert place.runs() == [RUN]
    assert not (place.output / ".livedvr/control.sock").exists()
    ChannelLock(place.output / ".livedvr", "").release()  # raises when it is still held


@pytest.mark.semantics("S6", "S10")
async def test_a_finished_session_gets_its_new_edition_without_an_owner(place: Place) -> None:
    await place.add("demo", 0, 30)
    await asyncio.to_thread(place.json, "update", "demo", "--label", "a=b")
    first = await asyncio.to_thread(place.json, "get", "demo")
    assert first["state"] == "FINISHED", "its window is long over: whoever takes the channel seals it"
    ran = await asyncio.to_thread(place.run, "update", "demo", "--window", f"{place.at(2)}/{place.at(6)}")
    assert (ran.exit_code, ran.stderr) == (0, "")
    shown = await asyncio.to_thread(place.json, "get", "demo")
    assert (shown["state"], shown["segments"], shown["actual_start"]) == ("FINISHED", 2, place.at(2))
    assert (place.output / "dvr/demo/av/index-2.m3u8").read_text().endswith("#EXT-X-ENDLIST\n")
    assert place.runs() == [RUN]


@pytest.mark.semantics("S15")
async def test_a_session_is_deleted_without_an_owner(place: Place) -> None:
    await place.add("demo", 0, 30)
    await asyncio.to_thread(place.json, "update", "demo", "--label", "a=b")
    assert (place.output / "dvr/demo/main.m3u8").exists()
    ran = await asyncio.to_thread(place.run, "delete", "demo")
    assert (ran.exit_code, ran.stdout) == (0, "deleted demo\n")
    assert not (place.output / "dvr").exists()
    assert (await asyncio.to_thread(place.run, "get", "demo")).exit_code == 3
    assert await asyncio.to_thread(place.json, "list") == []


async def test_a_data_dir_s_session_is_watched_until_its_end(place: Place) -> None:
    await place.add("demo", 0, 30)
    await asyncio.to_thread(place.json, "update", "demo", "--label", "a=b")
    ran = await asyncio.to_thread(place.run, "watch", "demo")
    shown = await asyncio.to_thread(place.json, "get", "demo")
    assert (ran.exit_code, [json.loads(line) for line in ran.stdout.splitlines()]) == (0, [shown])
    assert shown["state"] == "FINISHED"


async def test_what_only_a_server_can(place: Place) -> None:
    created = await asyncio.to_thread(place.run, "create", "demo")
    told = "livedvr: create: new sessions need a server (--server, or `livedvr record`)\n"
    assert (created.exit_code, created.stderr) == (2, told)
    listed = await asyncio.to_thread(place.run, "list", "--limit", "1")
    assert (listed.exit_code, listed.stderr) == (2, "livedvr: --limit: it needs a server (with --server)\n")


async def test_an_owner_that_does_not_listen_is_named(place: Place) -> None:
    await place.add("demo", 0, None)
    lock = ChannelLock(place.output / ".livedvr", "")
    try:
        ran = await asyncio.to_thread(place.run, "update", "demo", "--end", "now")
        assert ran.exit_code == 6
        assert "it is taken by another controller (pid" in ran.stderr and "stop it, or ask again" in ran.stderr
        assert (await asyncio.to_thread(place.run, "get", "demo")).exit_code == 0
    finally:
        lock.release()


async def test_an_output_that_has_gone_is_not_made_again(place: Place, tmp_path: Path) -> None:
    (place.output / ".livedvr").rename(tmp_path / "data")
    place.output.rmdir()
    arguments = ["session", "delete", "demo", "--data-dir", str(tmp_path / "data")]
    ran = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert (ran.exit_code, place.output.exists()) == (4, False)
    assert f"livedvr: {place.output}: the channel's output is not there (is it mounted?)" in ran.stderr


# with an owner


@pytest.mark.semantics("S6", "S15")
async def test_an_owner_carries_out_what_another_process_asks_for(place: Place) -> None:
    await place.write(lambda db: channel_rows.set_started(db, "live", False))
    async with LiveDvr(place.output / ".livedvr") as dvr:
        start = to_datetime(place.began) + timedelta(hours=1)
        await dvr.sessions.create("live", "demo", [TimeInterval(start_time=start, end_time=start + timedelta(hours=1))])

        extended = await asyncio.to_thread(place.run, "update", "demo", "--duration", "10m", "--label", "a=b")
        assert (extended.exit_code, extended.stderr) == (0, "")
        session = await dvr.sessions.get("live", "demo")
        assert session.dvr_windows == (TimeInterval(start_time=start, end_time=start + timedelta(minutes=10)),)
        assert session.labels == {"a": "b"}

        windows = [start, start + timedelta(minutes=1), start + timedelta(minutes=2)]
        text = [moment.isoformat() for moment in windows]
        await asyncio.to_thread(place.json, "update", "demo", "--window", f"../{text[1]}", "--window", f"{text[2]}/")
        assert (await dvr.sessions.get("live", "demo")).dvr_windows == (
            TimeInterval(start_time=windows[0], end_time=windows[1]),
            TimeInterval(start_time=windows[2]),
        )
        listed = await asyncio.to_thread(place.run, "list")
        assert (listed.exit_code, listed.stderr) == (0, "")
        assert f"{_written(windows[0])}/{_written(windows[1])} {_written(windows[2])}/.." in listed.stdout

        await asyncio.to_thread(place.json, "delete", "demo")
        assert await dvr.sessions.list("live") == []


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.semantics("S13", "S9")
async def test_what_an_owner_refuses_names_the_option(place: Place) -> None:
    await place.add("demo", 0, None)
    await place.add("cooling", 0, 4, state="COOLDOWN")
    await place.write(lambda db: channel_rows.set_started(db, "live", False))
    async with LiveDvr(place.output / ".livedvr"):
        for arguments, code, words in (
            (("demo", "--start", place.at(4)), 6, "--start: it would remove or reorder"),
            (("demo", "--end", place.at(-9)), 2, "--end: the end"),
            (("demo", "--window", f"{place.at(8)}/{place.at(4)}"), 2, "--window: the end"),
            (("cooling", "--end", "+1h"), 6, "livedvr: a session that is COOLDOWN cannot be patched (COOLDOWN is over"),
            (("nobody", "--end", "+1h"), 3, "livedvr: there is no session 'nobody' on channel 'live'"),
        ):
            ran = await asyncio.to_thread(place.run, "update", *arguments)
            assert (ran.exit_code, ran.stdout) == (code, ""), ran.stderr
            assert words in ran.stderr and ran.stderr.count("\n") == 1


# what can never work


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing is to be changed"),
        (["--end", "now", "--duration", "4s"], "--end and --duration exclude each other"),
        (["--end", "now", "--window", "now/+1h"], "--end: --window says it all"),
        (["--start", "soon"], "--start: 'soon' is not a time"),
        (["--end", "opened"], "--end: 'opened' is not a time"),
        (["--duration", "0s"], "--duration: '0s' is no time at all"),
        (["--window", "now"], "--window: 'now' is not a window"),
        (["--window", "now/soon"], "--window: 'soon' is not a time"),
        (["--label", "a"], "--label: 'a' is not a label"),
        (["--label", "=a"], "--label: '=a' is not a label"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(place: Place, arguments: list[str], words: str) -> None:
    ran = place.run("update", "demo", *arguments)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("livedvr: ") and words in ran.stderr and ran.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["list"], ["get", "demo"], ["update", "demo", "--end", "now"], ["delete", "x"]])
def test_data_and_channels_that_are_not_there_are_not_made(tmp_path: Path, arguments: list[str]) -> None:
    ran = CliRunner().invoke(main, ["session", *arguments, "--output", str(tmp_path / "out")])
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert ran.stderr == f"livedvr: {tmp_path}/out/.livedvr: there is no livedvr data here\n"
    assert list(tmp_path.iterdir()) == []


def test_a_channel_that_is_not_there_is_told_with_those_that_are(place: Place) -> None:
    ran = place.run("list", "--channel", "other")
    assert ran.exit_code == 3
    assert "--channel: there is no channel 'other' in" in ran.stderr and "(it has live)" in ran.stderr


def test_the_channel_s_output_is_found_by_its_data_dir_alone(place: Place, tmp_path: Path) -> None:
    data_dir = str(place.output / ".livedvr")
    runner = CliRunner()
    assert runner.invoke(main, ["session", "list", "--data-dir", data_dir]).exit_code == 0
    other = runner.invoke(main, ["session", "list", "--data-dir", data_dir, "--output", str(tmp_path)])
    assert other.exit_code == 2 and f"writes to {place.output}" in other.stderr
    neither = runner.invoke(main, ["session", "list"])
    assert neither.exit_code == 2 and "--output: name the channel's output" in neither.stderr


def test_help_names_the_exit_codes() -> None:
    runner = CliRunner()
    assert "session" in runner.invoke(main, ["--help"]).stdout
    for command in ("list", "get", "update", "delete"):
        assert "3 no such session" in " ".join(runner.invoke(main, ["session", command, "--help"]).stdout.split())
