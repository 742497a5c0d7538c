"""The commands that are clients of a server: what they ask it for, what they print, what they refuse themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livedvr.cli import main
from stub_server import LOCATION, Stub, done, refusal, stub_server

CAM = f"{LOCATION}/inputs/cam"
NEWS = f"{LOCATION}/channels/news"
SECRET = "rtmp://127.0.0.1:20000/live/k3y"
RUNNING = {"name": f"{LOCATION}/operations/op1"}


def _run(stub: Stub, *arguments: str, stdin: str | None = None) -> Result:
    return CliRunner(env={"LIVEDVR_SERVER": stub.url}).invoke(main, [*arguments], input=stdin)


def _asked(stub: Stub) -> list[tuple[Any, ...]]:
    """verb, path, then the query and the body where there are any."""
    asked = [(one.verb, one.path, *([one.query] if one.query else [])) for one in stub.asked]
    return [(*what, one.body) if one.body is not None else what for what, one in zip(asked, stub.asked, strict=True)]


def test_an_input_s_address_is_the_only_line() -> None:
    made = {"name": CAM, "type": "RTMP_PUSH", "uri": SECRET}
    with stub_server(done({"@type": "Input", **made})) as stub:
        arguments = ["input", "create", "cam", "--type", "rtmp", "--allow-ip", "10.0.0.0/8", "--label", "a=b"]
        assert _run(stub, *arguments).stdout == f"{SECRET}\n"
        assert json.loads(_run(stub, *arguments, "--json").stdout) == made
        assert _run(stub, "input", "create", "cam", "--pull", "testsrc").exit_code == 0
    body = {"labels": {"a": "b"}, "type": "RTMP_PUSH", "securityRules": {"ipRanges": ["10.0.0.0/8"]}}
    assert _asked(stub)[1:] == [
        ("POST", "inputs", {"inputId": "cam"}, body),
        ("POST", "inputs", {"inputId": "cam"}, {"labels": {}, "uri": "testsrc"}),
    ]


def test_a_list_is_asked_for_page_by_page() -> None:
    pages = [{"channels": [{"name": f"{LOCATION}/channels/{i}"}], "nextPageToken": f"t{i}"} for i in (1, 2, 3)]
    options = ["--filter", 'labels.show="news"', "--order-by", "create_time desc", "--page-size", "1"]
    with stub_server(*pages, {"channels": [{"name": "x/4"}]}) as stub:
        ran = _run(stub, "channel", "list", "--json", *options)
    assert [one["name"][-1] for one in json.loads(ran.stdout)] == ["1", "2", "3", "4"]
    query = {"filter": 'labels.show="news"', "orderBy": "create_time desc", "pageSize": "1"}
    assert [one.query for one in stub.asked] == [query, *({**query, "pageToken": f"t{i}"} for i in (1, 2, 3))]
    with stub_server(*pages) as stub:
        ran = _run(stub, "channel", "list", "--limit", "2")
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["CHANNEL", "1", "2"]
    assert [one.query for one in stub.asked] == [{"pageSize": "2"}, {"pageSize": "2", "pageToken": "t1"}]


def test_a_stream_key_is_in_no_list_and_in_no_operation() -> None:
    made = {"name": CAM, "type": "RTMP_PUSH", "uri": SECRET}
    operation = done({"@type": "Input", **made}) | {"metadata": {"verb": "create", "target": CAM}}
    with stub_server({"inputs": [made], "operations": [operation]}) as stub:
        for arguments in (["input", "list"], ["input", "list", "--json"], ["operation", "list", "--json"]):
            assert "k3y" not in _run(stub, *arguments).stdout
    with stub_server(operation) as stub:
        for arguments in (["get"], ["get", "--json"], ["wait", "--json"]):
            ran = _run(stub, "operation", arguments[0], "op1", *arguments[1:])
            assert ran.exit_code == 0 and "k3y" not in ran.stdout
    with stub_server(made) as stub:
        assert SECRET in _run(stub, "input", "get", "cam").stdout


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_channel_is_waited_for_until_its_operation_is_done(verb: str) -> None:
    with stub_server(RUNNING, RUNNING, done(), {"name": NEWS, "streamingState": "AWAITING_INPUT"}) as stub:
        assert _run(stub, "channel", verb, "news").stdout == "news: AWAITING_INPUT\n"
    assert _asked(stub) == [
        ("POST", f"channels/news:{verb}", {}),
        ("GET", "operations/op1"),
        ("GET", "operations/op1"),
        ("GET", "channels/news"),
    ]


def test_or_it_is_not_waited_for_and_asked_later() -> None:
    with stub_server(RUNNING) as stub:
        started = _run(stub, "channel", "start", "news", "--async")
        assert started.stdout == f"{LOCATION}/operations/op1\n"
        assert _run(stub, "channel", "delete", "news", "--force", "--async", "--json").stdout.startswith("{")
    assert _asked(stub)[1:] == [("DELETE", "channels/news", {"force": "true"})]
    with stub_server(RUNNING, done()) as stub:
        assert _run(stub, "operation", "wait", started.stdout.strip()).stdout == "done op1\n"


def test_who_stops_waiting_is_told_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(pause: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("livedvr.cli.remote.time.sleep", interrupted)
    with stub_server(RUNNING) as stub:
        ran = _run(stub, "channel", "stop", "news")
    told = f"livedvr: nobody waits for it any more, but it goes on: {LOCATION}/operations/op1\n"
    assert (ran.exit_code, ran.stdout, ran.stderr) == (130, "", told)


def test_a_server_that_answers_with_no_operation_is_no_livedvr() -> None:
    with stub_server({"hello": "world"}) as stub:
        ran = _run(stub, "channel", "start", "news")
    told = f"livedvr: {stub.url}: this is no livedvr server: it answers with no operation\n"
    assert (ran.exit_code, ran.stderr) == (5, told)


def test_an_operation_s_error_is_the_command_s() -> None:
    failed = {**RUNNING, "done": True, "error": {"code": 9, "message": "the channel is STREAMING (stop it first)"}}
    with stub_server(RUNNING, failed) as stub:
        for arguments in (["channel", "delete", "news"], ["operation", "wait", "op1"]):
            ran = _run(stub, *arguments)
            told = "livedvr: the channel is STREAMING (stop it first)\n"
            assert (ran.exit_code, ran.stdout, ran.stderr) == (6, "", told)


def test_a_channel_of_a_file_or_of_stdin(tmp_path: Path) -> None:
    made = {"name": NEWS, "output": {"uri": "gs://media/news"}}
    file = tmp_path / "channel.json"
    file.write_text(json.dumps(made))
    with stub_server(done(made)) as stub:
        ran = _run(stub, "channel", "create", "news", "--from-file", str(file))
        assert ran.stdout == "created news: gs://media/news\n"
        patched = _run(stub, "channel", "update", "news", "--from-file", "-", "--mask", "labels", stdin='{"labels":{}}')
        assert patched.stdout == "updated news\n"
        both = _run(stub, "channel", "create", "news", "--from-file", str(file), "--input", "cam")
        assert (both.exit_code, both.stderr) == (2, "livedvr: --input: the file says it all (give one or the other)\n")
    assert _asked(stub) == [
        ("POST", "channels", {"channelId": "news"}, {"output": {"uri": "gs://media/news"}}),
        ("PATCH", "channels/news", {"updateMask": "labels"}, {"labels": {}}),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "line 1: Expecting property name"), ("[]", "this is no JSON object"), (b"\xff", "this is no text")],
)
def test_a_file_that_is_no_resource(tmp_path: Path, text: str | bytes, told: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with stub_server({}) as stub:
        ran = _run(stub, "input", "update", "cam", "--from-file", str(file))
    assert ran.exit_code == 2 and ran.stderr.startswith(f"livedvr: --from-file: {file}: {told}")
    assert not stub.asked


def test_a_clip_is_waited_for() -> None:
    clip = {"name": f"{NEWS}/clips/goal", "outputUri": "gs://media/clips", "state": "PENDING"}
    made = {**clip, "state": "SUCCEEDED", "clipManifests": [{"outputUri": "gs://media/clips/main.m3u8"}]}
    window = ["--slice", "2026-11-25T12:00:00Z/2026-11-25T12:00:10Z"]
    arguments = ["clip", "create", "goal", "--channel", "news", *window, "--output", "gs://media/clips"]
    with stub_server(done(clip), {**clip, "state": "CREATING"}, made) as stub:
        assert _run(stub, *arguments).stdout == "SUCCEEDED gs://media/clips/main.m3u8\n"
    time_slice = {"markinTime": "2026-11-25T12:00:00.000Z", "markoutTime": "2026-11-25T12:00:10.000Z"}
    body = {
        "labels": {},
        "outputUri": "gs://media/clips",
        "outputType": "MANIFEST",
        "slices": [{"timeSlice": time_slice}],
        "clipManifests": [{"manifestKey": "main"}],
    }
    assert _asked(stub)[0] == ("POST", "channels/news/clips", {"clipId": "goal"}, body)
    with stub_server(done(clip), {**clip, "state": "FAILED", "error": {"code": 5, "message": "no media"}}) as stub:
        failed = _run(stub, *arguments)
        assert (failed.exit_code, failed.stderr) == (3, "livedvr: no media\n")
    with stub_server(done(clip)) as stub:
        assert _run(stub, *arguments, "--async").stdout == "PENDING gs://media/clips\n"
        open_end = _run(stub, *arguments[:5], "--start", "-10s", "--output", "gs://media/clips")
        assert (open_end.exit_code, open_end.stderr) == (2, "livedvr: --end: a clip has a start and an end\n")


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--input-switch", "backup"], {"inputSwitch": {"inputKey": "backup"}, "executeNow": True}),
        (["--return-to-program"], {"returnToProgram": {}, "executeNow": True}),
        (
            ["--ad-break", "1m30s", "--at", "2026-11-25T12:00:00Z"],
            {"adBreak": {"duration": "90s"}, "executionTime": "2026-11-25T12:00:00.000Z"},
        ),
    ],
)
def test_an_event(options: list[str], body: dict[str, Any]) -> None:
    with stub_server({"name": f"{NEWS}/events/e", "state": "PENDING"}) as stub:
        assert _run(stub, "event", "create", "e", "--channel", "news", *options).stdout == "e: PENDING\n"
        assert _run(stub, "event", "create", "e").exit_code == 2
    assert _asked(stub) == [("POST", "channels/news/events", {"eventId": "e"}, {**body, "labels": {}})]


def test_an_event_that_is_to_happen_at_once_is_waited_for() -> None:
    event = {"name": f"{NEWS}/events/e", "state": "PENDING", "executeNow": True}
    failed = {**event, "state": "FAILED", "error": {"code": 9, "message": "there is no media"}}
    running = {**event, "state": "RUNNING"}
    arguments = ["event", "create", "e", "--channel", "news", "--return-to-program"]
    with stub_server(event, running, {**event, "state": "SUCCEEDED"}) as stub:
        assert _run(stub, *arguments).stdout == "e: SUCCEEDED\n"
    with stub_server({**event, "adBreak": {}}, {**running, "adBreak": {}}) as stub:
        assert _run(stub, *arguments[:-1], "--ad-break", "30s").stdout == "e: RUNNING\n"
    with stub_server(event, failed) as stub:
        ran = _run(stub, *arguments)
        assert (ran.exit_code, ran.stdout, ran.stderr) == (6, "", "livedvr: there is no media\n")
    with stub_server(event) as stub:
        assert _run(stub, *arguments, "--async").stdout == "e: PENDING\n"


def test_an_event_is_deleted_without_an_operation() -> None:
    with stub_server({}) as stub:
        ran = _run(stub, "event", "delete", "e", "--channel", "news", "--json")
    assert json.loads(ran.stdout) == {"name": f"{NEWS}/events/e"}


SESSION = {
    "name": f"{NEWS}/dvrSessions/demo",
    "createTime": "2026-11-25T12:00:00.123456Z",
    "updateTime": "2026-11-25T12:00:01Z",
    "labels": {"show": "news"},
    "state": "LIVE",
    "dvrManifests": [{"manifestKey": "main", "outputUri": "gs://media/news/dvr/demo/main.m3u8"}],
    "dvrWindows": [{"timeInterval": {"startTime": "2026-11-25T12:00:00Z"}}],
}


def test_a_session_of_a_server_is_shown_as_one_of_a_data_dir() -> None:
    with stub_server(SESSION) as stub:
        shown = _run(stub, "session", "get", "demo", "--channel", "news")
        as_json = json.loads(_run(stub, "session", "get", "demo", "--channel", "news", "--json").stdout)
    assert shown.stdout == (
        "LIVE gs://media/news/dvr/demo/main.m3u8\n"
        "  window    2026-11-25T12:00:00.000Z/..\n"
        "  label     show=news\n"
        "  created   2026-11-25T12:00:00.123Z\n"
        "  updated   2026-11-25T12:00:01.000Z\n"
    )
    assert (as_json["session"], as_json["channel"], as_json["state"]) == ("demo", "news", "LIVE")
    assert (as_json["segments"], as_json["gaps"]) == (None, None), "the API does not tell"
    with stub_server({"dvrSessions": [SESSION]}) as stub:
        assert _run(stub, "session", "list", "--channel", "news").stdout == (
            "SESSION  STATE  SEGMENTS  DURATION  GAPS  WINDOWS                      LABELS\n"
            "demo     LIVE   -         -         -     2026-11-25T12:00:00.000Z/..  show=news\n"
        )


def test_where_a_session_plays_is_shown_when_it_does() -> None:
    get = ("session", "get", "demo", "--channel", "news")
    with stub_server(SESSION) as stub:
        assert "player_url" not in json.loads(_run(stub, *get, "--json").stdout)
        stub.played = 200
        url = f"{stub.url}/media/media/news/dvr/demo/main.m3u8"
        assert f"\n  plays     {url}\n" in _run(stub, *get).stdout
        assert json.loads(_run(stub, *get, "--json").stdout)["player_url"] == url


def test_operations_are_listed_from_the_newest() -> None:
    pages = [{"operations": [{"name": f"x/{i}"}], "nextPageToken": "t"} for i in (1, 2)]
    with stub_server(*pages, {"operations": [{"name": "x/3"}]}) as stub:
        ran = _run(stub, "operation", "list", "--json", "--limit", "2")
    assert [one["name"] for one in json.loads(ran.stdout)] == ["x/3", "x/2"]
    assert stub.asked[0].query == {"pageSize": "1000"}


RECORDING = {
    "recordingId": "take",
    "spec": {"outputUri": "/media/recordings", "labels": {"show": "news"}},
    "state": "RECORDING",
    "endReason": None,
    "error": None,
    "spans": [{"startTime": "2026-11-25T12:00:00.5Z", "endTime": None}],
    "files": [],
    "duration": "PT0S",
    "createTime": "2026-11-25T12:00:00Z",
    "updateTime": "2026-11-25T12:00:01Z",
}
MADE = {"format": "WAV", "uri": "/media/recordings/take.wav", "sizeBytes": 44, "duration": "PT1M2.5S"}


def test_a_recording_is_shown_with_spans_and_files() -> None:
    with stub_server(RECORDING) as stub:
        assert _run(stub, "recording", "get", "take").stdout == (
            "take: RECORDING /media/recordings\n"
            "  span      2026-11-25T12:00:00.500Z/..\n"
            "  label     show=news\n"
            "  created   2026-11-25T12:00:00.000Z\n"
            "  updated   2026-11-25T12:00:01.000Z\n"
        )
    ended = RECORDING | {"state": "SUCCEEDED", "endReason": "REQUESTED", "files": [MADE], "duration": "PT1M2.5S"}
    with stub_server(ended) as stub:
        said = _run(stub, "recording", "stop", "take").stdout
    assert said.startswith("take: SUCCEEDED (REQUESTED) /media/recordings\n")
    assert "\n  file      /media/recordings/take.wav: WAV, 62.500 s, 44 bytes\n" in said
    with stub_server({"recordings": [RECORDING, ended]}) as stub:
        first, *rows = _run(stub, "recording", "list").stdout.splitlines()
    assert first.split() == ["RECORDING", "STATE", "ENDED", "BY", "DURATION", "CREATED", "LABELS"]
    assert [row.split()[:4] for row in rows] == [
        ["take", "RECORDING", "-", "-"],
        ["take", "SUCCEEDED", "REQUESTED", "62.500"],
    ]


def test_a_session_is_created_and_changed() -> None:
    window = ["--start", "2026-11-25T12:00:00Z", "--duration", "10s"]
    with stub_server(done(SESSION), SESSION, done(SESSION)) as stub:
        created = _run(stub, "session", "create", "demo", "--channel", "news", *window, "--label", "show=news")
        changed = _run(stub, "session", "update", "demo", "--channel", "news", "--duration", "1m", "--label", "a=b")
    assert (created.exit_code, changed.exit_code) == (0, 0), created.stderr + changed.stderr
    asked = {"startTime": "2026-11-25T12:00:00Z", "endTime": "2026-11-25T12:00:10Z"}
    body = {
        "dvrManifests": [{"manifestKey": "main"}],
        "dvrWindows": [{"timeInterval": asked}],
        "labels": {"show": "news"},
    }
    longer = {"dvrWindows": [{"timeInterval": {**asked, "endTime": "2026-11-25T12:01:00Z"}}]}
    assert _asked(stub) == [
        ("POST", "channels/news/dvrSessions", {"dvrSessionId": "demo"}, body),
        ("GET", "channels/news/dvrSessions/demo"),
        (
            "PATCH",
            "channels/news/dvrSessions/demo",
            {"updateMask": "dvrWindows,labels"},
            {**longer, "labels": {"show": "news", "a": "b"}},
        ),
    ]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("dvr_session.dvr_windows[0].time_interval.end_time", "--end: no"),
        ("dvr_session.dvr_windows[0].time_interval.start_time", "--start: no"),
        ("dvr_session.dvr_manifests[0].manifest_key", "--manifest: no"),
        ("dvr_session_id", "ID: no"),
        ("dvr_session.state", "no"),
        ("parent", "no"),
    ],
)
def test_what_a_server_refuses_of_a_session_names_the_option(field: str, said: str) -> None:
    with stub_server(refusal(400, "INVALID_ARGUMENT", "no", field)) as stub:
        ran = _run(stub, "session", "create", "demo", "--start", "-1h", "--end", "now")
    assert (ran.exit_code, ran.stderr) == (2, f"livedvr: {said}\n")


def test_a_server_or_a_data_dir(tmp_path: Path) -> None:
    with stub_server(SESSION) as stub:
        output = ["--output", str(tmp_path / "out")]
        local = _run(stub, "session", "get", "demo", *output)
        assert (local.exit_code, local.stderr) == (
            3,
            f"livedvr: {tmp_path}/out/.livedvr: there is no livedvr data here\n",
        )
        both = _run(stub, "session", "get", "demo", *output, "--server", stub.url)
        assert (both.exit_code, both.stderr) == (2, "livedvr: --server: a server, or a data dir? (give one of them)\n")
        assert not stub.asked
        assert _run(stub, "session", "get", "demo").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["input", "create", "cam"], "--type: pushed, or pulled? (rtmp or srt; or --pull URI)"),
        (["input", "create", "cam", "--type", "srt", "--pull", "x"], "--type: pushed, or pulled? (rtmp or srt;"),
        (["channel", "create", "news"], "--input: a channel needs one (or describe it all with --from-file)"),
        (["channel", "create", "news", "--input", "cam"], "--output: a channel needs one"),
        (["channel", "get", "a/b"], "ID: 'a/b' is no id"),
        (["channel", "get", ""], "ID: '' is no id"),
        (["channel", "get", "x", "--project", "a/b"], "--project: 'a/b' is no project"),
        (["event", "create", "e"], "create: what is to happen? (one of"),
        (["event", "create", "e", "--ad-break", "0s"], "--ad-break: '0s' is no time at all"),
        (["session", "create", "s", "--end", "now", "--duration", "1s"], "--duration: --end and --duration exclude"),
        (["session", "create", "s", "--label", "a"], "--label: 'a' is not a label"),
        (["clip", "create", "c", "--output", "x", "--slice", "now"], "--slice: 'now' is not a window"),
    ],
)
def test_bad_usage_asks_nothing(arguments: list[str], told: str) -> None:
    with stub_server({}) as stub:
        ran = _run(stub, *arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"livedvr: {told}") and ran.stderr.count("\n") == 1
    assert not stub.asked


@pytest.mark.parametrize("command", ["input", "channel", "clip", "event", "operation"])
def test_help_names_the_exit_codes(command: str) -> None:
    for arguments in ([command], [command, "list"]):
        shown = " ".join(CliRunner().invoke(main, [*arguments, "--help"]).stdout.split())
        assert "5 the server cannot be reached, is no livedvr, or does not let this token in; 6 it exists" in shown


def test_clients_start_without_google_s_client_and_without_a_server_s_rooms() -> None:
    modules = ", ".join(f"livedvr.cli.{name}" for name in ("input", "channel", "clip", "event", "operation", "session"))
    heavy = "('google.protobuf', 'grpc', 'starlette', 'requests', 'av', 'livedvr.app')"
    code = f"import sys, {modules}, livedvr.cli.session_remote; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_shell_completes_commands_and_options() -> None:
    def completed(*words: str) -> list[str]:
        environment = {"_LIVEDVR_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("livedvr", *words))}
        program = str(Path(sys.executable).with_name("livedvr"))
        count = {"COMP_CWORD": str(len(words))}
        done = subprocess.run([program], env=environment | count, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("c") == ["plain,channel", "plain,clip", "plain,check"]
    assert completed("channel", "st") == ["plain,start", "plain,stop"]
    assert "plain,--server" in completed("channel", "start", "--s")


@pytest.mark.parametrize(
    ("state", "code", "duration", "told"),
    [
        ("SUCCEEDED", 0, "PT1S", None),
        ("EMPTY", 3, "PT0S", "no media came"),
        ("EMPTY", 3, "PT1S", "it is silent throughout"),
        ("CANCELED", 3, "PT1S", None),
        ("FAILED", 4, "PT1S", None),
    ],
)
def test_who_waits_for_a_recording_is_told_by_the_exit_code_whether_there_is_one(
    state: str, code: int, duration: str, told: str | None
) -> None:
    ended = RECORDING | {"state": state, "duration": duration}
    with stub_server(RECORDING, ended) as stub:
        waited = _run(stub, "recording", "start", "take", "--wait")
        shown = _run(stub, "recording", "get", "take")
    assert (waited.exit_code, shown.exit_code) == (code, 0)
    assert waited.stdout == shown.stdout
    assert [line.strip() for line in shown.stdout.splitlines() if "  empty" in line] == (
        [] if told is None else [f"empty     {told}"]
    )


def test_several_are_told_of_a_recording_with_the_secret_of_a_file(tmp_path: Path) -> None:
    (file := tmp_path / "secret").write_text("s3cret\nwhat follows is a remark\n")
    (empty := tmp_path / "empty").write_text("\n")
    both = ["recording", "start", "take", "--notify", "https://a.example/", "--notify", "https://b.example/"]
    with stub_server(RECORDING) as stub:
        assert _run(stub, *both).exit_code == 0
        signed = _run(stub, *both, "--notify-secret-file", str(file))
        nobody = _run(stub, "recording", "start", "take", "--notify-secret-file", str(file))
        unsaid = _run(stub, *both, "--notify-secret-file", str(empty))
    assert signed.exit_code == 0 and "s3cret" not in signed.output
    uris = [{"uri": "https://a.example/"}, {"uri": "https://b.example/"}]
    assert [one.body["notify"] for one in stub.asked] == [uris, [one | {"secret": "s3cret"} for one in uris]]
    assert (nobody.exit_code, unsaid.exit_code) == (2, 2)
    assert "--notify-secret-file: nobody is told" in nobody.stderr
    assert "--notify-secret-file: there is no secret in its first line" in unsaid.stderr
