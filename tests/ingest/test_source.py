from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from builders import channel
from livedvr.ingest.source import Source, check_file, check_port, check_texts, parse_source
from livedvr.resources.errors import Aborted, InvalidArgument
from livedvr.resources.models import Input, SecurityRule
from livedvr.resources.streams import ElementaryStream, TextStream, video_and_audio

SECRET = "correct-horse"


def parsed(uri: str, *, loop: bool = False) -> Source:
    return parse_source(Input(uri=uri, loop=loop))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "my clip.mp4"
    path.write_bytes(b"x")
    return path


@pytest.mark.semantics("I1")
def test_testsrc_is_a_source_that_listens_to_nobody() -> None:
    assert parsed("testsrc") == Source("testsrc", "testsrc")


@pytest.mark.semantics("I1")
def test_a_file_is_named_by_its_path_or_its_uri(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed(str(clip)) == Source("file", str(clip))
    monkeypatch.chdir(clip.parent)
    assert parsed("my clip.mp4", loop=True) == Source("file", str(clip), loop=True)
    assert parsed(str(clip)).ends


@pytest.mark.semantics("I1")
def test_a_file_uri_is_percent_encoded(clip: Path) -> None:
    assert parsed(clip.as_uri()) == Source("file", str(clip))


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(InvalidArgument, match="there is no file") as refused:
            check_file(parsed(str(path)))
        assert refused.value.field == "SOURCE"


def test_a_file_that_cannot_be_read_is_refused(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, as in CI, can read everything
    with pytest.raises(InvalidArgument, match="cannot be read"):
        check_file(parsed(str(clip)))


@pytest.mark.semantics("I1", "I6")
@pytest.mark.parametrize(
    ("uri", "source"),
    [
        (
            "srt://:9000",
            Source("srt", "srt://127.0.0.1:9000", (("mode", "listener"),), True, ("127.0.0.1", 9000)),
        ),
        (
            "srt://0.0.0.0:9000?mode=listener",
            Source("srt", "srt://0.0.0.0:9000", (("mode", "listener"),), True, ("0.0.0.0", 9000)),
        ),
        ("srt://encoder.example:9000", Source("srt", "srt://encoder.example:9000", (("mode", "caller"),))),
        (
            f"srt://:9000?passphrase={SECRET}&latency=200000",
            Source(
                "srt",
                "srt://127.0.0.1:9000",
                (("latency", "200000"), ("mode", "listener"), ("passphrase", SECRET)),
                True,
                ("127.0.0.1", 9000),
            ),
        ),
        ("srt://[::1]:9000", Source("srt", "srt://[::1]:9000", (("mode", "caller"),))),
        (
            "srt://[::1]:9000?mode=listener",
            Source("srt", "srt://[::1]:9000", (("mode", "listener"),), True, ("::1", 9000)),
        ),
        (
            "udp://:5000",
            Source("udp", "udp://127.0.0.1:5000", (("localaddr", "127.0.0.1"),), True, ("127.0.0.1", 5000)),
        ),
        (
            "udp://@239.1.2.3:5000?fifo_size=100",
            Source("udp", "udp://239.1.2.3:5000", (("fifo_size", "100"),), True, ("239.1.2.3", 5000)),
        ),
        (
            "udp://239.1.2.3:5000?sources=192.0.2.1",
            Source("udp", "udp://239.1.2.3:5000?sources=192.0.2.1", (), True, ("239.1.2.3", 5000)),
        ),
        (
            f"rtmp://:1935/live/{SECRET}",
            Source(
                "rtmp",
                "rtmp://127.0.0.1:1935/live/*",
                (("listen", "1"),),
                True,
                ("127.0.0.1", 1935),
                stream_key=SECRET,
                secrets=(SECRET,),
            ),
        ),
        (
            "rtmp://[::]/live?mode=listener",
            Source("rtmp", "rtmp://[::]:1935/live/*", (("listen", "1"),), True, ("::", 1935), stream_key=""),
        ),
        (
            f"rtmp://tv.example/app/some/stream?token={SECRET}",
            Source(
                "rtmp",
                "rtmp://tv.example:1935",
                (("rtmp_app", "app"), ("rtmp_live", "live"), ("rtmp_playpath", f"some/stream?token={SECRET}")),
            ),
        ),
        (
            f"rtsp://user:{SECRET}%21@cam/stream1",
            Source("rtsp", f"rtsp://user:{SECRET}%21@cam/stream1", secrets=(f"{SECRET}%21", f"{SECRET}!")),
        ),
        ("https://tv.example/live.m3u8?t=1#x", Source("hls", "https://tv.example/live.m3u8?t=1")),
    ],
)
def test_a_network_source(uri: str, source: Source) -> None:
    assert parsed(uri) == source


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("mms://host/live", "'mms://' is not a scheme"),
        ("rtmp://host/live", "an app and a name"),
        ("rtmp://:1935", "needs an app"),
        ("rtmp://:1935/live?mode=caller", "mode 'caller'"),
        ("rtmp://user:horse@host/live/x", "no user and password|takes no user"),
        ("rtsp:///stream", "has a host"),
        ("https:///a.m3u8", "has a host"),
        ("https://user:horse@host/a.m3u8", "without user and password"),
        ("srt://host", "no port"),
        ("srt://host:0", "no port"),
        ("udp://:70000", "no port"),
        ("srt://host:x", "no port"),
        ("srt://:9000?mode=rendezvous", "mode 'rendezvous'"),
        ("srt://:9000?transtype=file", "no option 'transtype'"),
        ("udp://:5000?passphrase=1234567890", "no option 'passphrase'"),
        ("srt://:9000?passphrase=short", "at least 10"),
        ("srt://[::1:9000", "port|address|URL"),
    ],
)
def test_a_uri_that_can_never_work_is_an_invalid_argument(uri: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        parsed(uri)
    assert refused.value.field == "SOURCE"


@pytest.mark.parametrize("uri", ["testsrc", "srt://:9000", "udp://:5000"])
def test_only_a_file_can_be_looped(uri: str) -> None:
    with pytest.raises(InvalidArgument, match="only a file"):
        parsed(uri, loop=True)


@pytest.mark.parametrize(
    "uri",
    [
        f"srt://:9000?passphrase={SECRET}&nonsense=1",
        f"srt://host?passphrase={SECRET}",
        f"srt://:9000?passphrase={SECRET}&mode=x",
        "srt://:9000?passphrase=horse",
        f"rtmp://host/live?key={SECRET}",
    ],
)
def test_a_refusal_does_not_repeat_a_secret(uri: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parsed(uri)
    assert "horse" not in str(refused.value)


@pytest.mark.semantics("I4")
@pytest.mark.parametrize(
    "uri", [f"rtmp://:1935/live/{SECRET}", f"rtsp://user:{SECRET}@cam/1", f"https://tv.example/a.m3u8?token={SECRET}"]
)
def test_what_is_shown_of_a_source_has_no_secret(uri: str) -> None:
    assert "horse" not in parsed(uri).shown


@pytest.mark.semantics("I4")
@pytest.mark.parametrize(
    ("uri", "ranges", "says"),
    [
        ("srt://:9000", ("192.0.2.1",), "passphrase"),
        ("udp://:5000", ("192.0.2.1", "198.51.100.0/24"), "single addresses"),
        ("srt://encoder.example:9000", ("192.0.2.1",), "nobody publishes"),
        ("rtmp://tv.example/app/stream", ("192.0.2.1",), "nobody publishes"),
        ("https://tv.example/a.m3u8", ("192.0.2.1",), "nobody publishes"),
        ("testsrc", ("192.0.2.1",), "nobody publishes"),
    ],
)
def test_an_allow_list_that_cannot_be_kept_is_refused(uri: str, ranges: tuple[str, ...], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        parse_source(Input(uri=uri, security_rules=SecurityRule(ip_ranges=ranges)))
    assert refused.value.field == "ipRanges"


def test_an_allow_list_that_can_be_kept() -> None:
    given = SecurityRule(ip_ranges=("192.0.2.1", "192.0.2.2"))
    assert parse_source(Input(uri="udp://:5000", security_rules=given)).url.endswith("?sources=192.0.2.1,192.0.2.2")
    assert parse_source(Input(uri="rtmp://:1935/live", security_rules=given)).ip_ranges == given.ip_ranges


def test_a_key_where_nobody_asks_for_one_is_refused() -> None:
    for uri in ("srt://:9000", "testsrc", "rtmp://tv.example/app/stream"):
        with pytest.raises(InvalidArgument, match="only an RTMP listener"):
            parse_source(Input(uri=uri, stream_key="horse"))


def test_a_secret_is_decoded_and_does_not_stand_in_the_url() -> None:
    source = parsed("srt://:9000?passphrase=correct%26horse%2B1")
    assert dict(source.options)["passphrase"] == "correct&horse+1"
    assert "horse" not in source.url


# the port


@pytest.mark.parametrize("scheme", ["srt", "udp"])
def test_a_port_that_is_taken_is_aborted_and_one_that_is_free_is_fine(scheme: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        source = parsed(f"{scheme}://:{other.getsockname()[1]}")
        with pytest.raises(Aborted, match="taken by another program"):
            check_port(source)
    check_port(source)
    check_port(source)  # looking does not take it


def test_a_tcp_port_that_is_taken_is_aborted_and_one_where_a_publisher_lingers_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        source = parsed(f"rtmp://:{other.getsockname()[1]}/live")
        with pytest.raises(Aborted, match=r"/tcp on .* is taken"):
            check_port(source)
        with socket.create_connection(other.getsockname()), other.accept()[0]:
            other.close()
            check_port(source)  # as ffmpeg does it: it listens no more when it has its publisher
    check_port(source)


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(InvalidArgument, match="cannot listen"):
        check_port(parsed("udp://192.0.2.1:5000"))  # TEST-NET-1, nobody's


def test_there_is_nothing_to_check_where_nothing_listens_or_many_may() -> None:
    check_port(parsed("testsrc"))
    check_port(parsed("srt://encoder.example:9000"))
    check_port(parsed("udp://239.1.2.3:5000"))


HLS = Input(uri="https://tv.example/live.m3u8")


@pytest.mark.parametrize(
    ("given", "what"), [(HLS, "an HLS source"), (Input(uri="clip.mkv", loop=True), "a looped file")]
)
def test_subtitles_without_a_time_are_refused_and_captions_are_not(given: Input, what: str) -> None:
    def check(given: Input, **text: object) -> None:
        streams = (*video_and_audio(), ElementaryStream(key="text", text_stream=TextStream(**text)))
        check_texts(channel(input=given, elementary_streams=streams), parse_source(given))

    with pytest.raises(InvalidArgument, match=f"does not tell the time of {what}'s subtitles") as refused:
        check(given, input_track=0)
    assert refused.value.field == "inputTrack" and refused.value.hint == "take captions: cc1"
    check(given, input_track=0, input_cea_channel="CC1")
    check(Input(uri="clip.mkv"), input_track=0)
