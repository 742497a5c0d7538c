from __future__ import annotations

import contextlib
import io
import itertools
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livedvr.media import reader
from livedvr.media.reader import MediaError, MediaSpan, StreamInfo, StreamSpan, read_media, read_media_bytes
from media.sample_media import AAC, H264, HEVC, cut, run_ffmpeg


def test_importing_the_reader_does_not_import_pyav() -> None:
    script = "import sys, livedvr.media.reader; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("data", [b"", b"not media at all" * 100, b"\0" * 4096, b"\0\0\0\x18ftypiso5"])
def test_what_is_no_media_is_named(data: bytes) -> None:
    with pytest.raises(MediaError, match=r"^segment-7\.m4s: no "):
        read_media_bytes(data, name="segment-7.m4s")


def test_a_segment_cannot_lead_to_other_files(tmp_path: Path, tone: bytes) -> None:
    (tmp_path / "secret.ts").write_bytes(tone)
    assert read_media(tmp_path / "secret.ts")
    for script in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {tmp_path}/secret.ts\n",
    ):
        with pytest.raises(MediaError):
            read_media_bytes(script.encode(), name="a segment")


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_media(tmp_path / "gone.ts")


def test_reference_is_the_first_video_else_the_first_audio() -> None:
    def span(kind: str, codec: str) -> StreamSpan:
        return StreamSpan(StreamInfo(kind, codec, None), 0, 1, True, (0,), True, 1)

    audio, video = span("audio", "aac"), span("video", "h264")
    assert MediaSpan((audio, video)).reference is video
    assert MediaSpan((audio, span("audio", "ac3"))).reference is audio


def test_packed_audio_starts_where_its_id3_tag_says(tone_adts: bytes) -> None:
    owner = b"com.apple.streaming.transportStreamTimestamp\0"
    content = owner + (90_000 * 12).to_bytes(8, "big")
    frame = b"PRIV" + len(content).to_bytes(4, "big") + b"\0\0" + content
    tag = b"ID3\4\0\0" + b"\0\0" + bytes([len(frame) >> 7, len(frame) & 0x7F]) + frame
    plain, stamped = (read_media_bytes(data, name="x").reference for data in (tone_adts, tag + tone_adts))
    assert stamped.first_pts - plain.first_pts == 12_000_000
    assert stamped.end_pts - plain.end_pts == 12_000_000


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_media_is_read_or_refused(tone_mp4: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(tone_mp4)
    for at, value in changes:
        data[at % len(data)] = value
    with contextlib.suppress(MediaError):
        assert all(stream.packets for stream in read_media_bytes(bytes(data), name="x").streams)


def test_a_stream_that_appears_later_does_not_end_the_others() -> None:
    class Container:
        """PyAV's demux() fails at a packet of a stream that was not there at the beginning; the next call goes on."""

        def __init__(self) -> None:
            self.left = [1, IndexError(), 2, av.InvalidDataError(1, "torn"), 3]

        def demux(self) -> Iterator[object]:
            while self.left:
                item = self.left.pop(0)
                if isinstance(item, Exception):
                    raise item
                yield item

    assert list(reader.readable_packets(Container())) == [1, 2]


@pytest.mark.parametrize("damage", [(b"SoundHandler", b"Sound\xffandler"), (b"mp4a", b"mp\xa5a")])
def test_names_in_the_container_need_not_be_text(tone_mp4: bytes, damage: tuple[bytes, bytes]) -> None:
    data = tone_mp4.replace(*damage)
    assert data != tone_mp4
    with contextlib.suppress(MediaError):
        read_media_bytes(data, name="x")


@pytest.fixture(scope="module")
def tone_mp4() -> bytes:
    return _tone("mp4")


@pytest.fixture(scope="module")
def tone() -> bytes:
    return _tone("mpegts")


@pytest.fixture(scope="module")
def tone_adts() -> bytes:
    return _tone("adts")


def _tone(container_format: str) -> bytes:
    """A third of a second of silent AAC, made by PyAV itself."""
    out = io.BytesIO()
    with av.open(out, "w", format=container_format) as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(15):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.sample_rate, frame.pts = 48_000, number * 1024
            frame.planes[0].update(bytes(4096))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture(scope="module")
def fmp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(tmp_path_factory.mktemp("fmp4"), *H264, *AAC)


@pytest.fixture(scope="module")
def ts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(tmp_path_factory.mktemp("ts"), *H264, *AAC, ts=True)


@pytest.mark.e2e
def test_fmp4_with_its_init_segment(fmp4: Path) -> None:
    video, audio = read_media(fmp4 / "segment-000001.m4s", fmp4 / "init.mp4").streams
    assert video.info == StreamInfo("video", "h264", "avc1.64000b", 160, 90, Fraction(25))
    assert audio.info == StreamInfo("audio", "aac", "mp4a.40.2", sample_rate=48_000, channels=1)
    assert (video.starts_with_key, video.dts_monotonic, video.packets) == (True, True, 25)
    assert video.keyframes == (video.first_pts,)
    assert video.end_pts - video.first_pts == 1_000_000
    assert audio.packets == len(audio.keyframes)


@pytest.mark.e2e
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_consecutive_segments_meet_exactly(container: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(container)
    init = folder / "init.mp4" if container == "fmp4" else None
    spans = [read_media(path, init) for path in sorted(folder.glob("segment-*"))]
    assert len(spans) == 3
    for before, after in itertools.pairwise(spans):
        assert [span.end_pts for span in before.streams] == [span.first_pts for span in after.streams]


@pytest.mark.e2e
def test_fmp4_without_its_init_segment_is_no_media(fmp4: Path) -> None:
    with pytest.raises(MediaError, match=r"segment-000001\.m4s"):
        read_media(fmp4 / "segment-000001.m4s")


@pytest.mark.e2e
def test_ts_has_codec_strings_too(ts: Path) -> None:
    video, audio = (span.info for span in read_media(ts / "segment-000000.ts").streams)
    assert (video.codec_string, video.width, video.height) == ("avc1.64000b", 160, 90)
    assert (audio.codec_string, audio.sample_rate) == ("mp4a.40.2", 48_000)


@pytest.mark.e2e
def test_a_torn_fmp4_is_read_up_to_its_last_whole_chunk(fmp4: Path) -> None:
    init, data = (fmp4 / "init.mp4").read_bytes(), (fmp4 / "segment-000001.m4s").read_bytes()
    last_moof = data.rindex(b"moof") - 4
    chunks = read_media_bytes(data[:last_moof], init, name="x")
    assert chunks.reference.packets < read_media_bytes(data, init, name="x").reference.packets
    for end in (last_moof + 4, last_moof + 100, len(data) - 1):
        assert read_media_bytes(data[:end], init, name="x") == chunks


@pytest.mark.e2e
def test_a_torn_ts_is_read_as_far_as_it_goes(ts: Path) -> None:
    data = (ts / "segment-000001.ts").read_bytes()
    whole, torn = (read_media_bytes(part, name="x").reference for part in (data, data[: len(data) // 2 + 77]))
    assert whole.first_pts == torn.first_pts
    assert 0 < torn.packets < whole.packets


@pytest.mark.e2e
def test_hevc_in_fmp4(tmp_path: Path) -> None:
    folder = cut(tmp_path, *HEVC, seconds=1)
    info = read_media(folder / "segment-000000.m4s", folder / "init.mp4").reference.info
    assert info.codec == "hevc"
    assert info.codec_string is not None
    assert info.codec_string.startswith("hvc1.1.6.L")


@pytest.mark.e2e
def test_audio_only(tmp_path: Path) -> None:
    folder = cut(tmp_path, *AAC, seconds=2)
    span = read_media(folder / "segment-000001.m4s", folder / "init.mp4")
    assert [stream.info.kind for stream in span.streams] == ["audio"]
    assert span.reference.info.codec_string == "mp4a.40.2"


@pytest.mark.e2e
def test_a_segment_that_starts_inside_a_gop_says_so(ts: Path, tmp_path: Path) -> None:
    run_ffmpeg(
        "-i", str(ts / "segment-000001.ts"), "-c", "copy", "-bsf:v", "noise=drop=key", "late.ts", folder=tmp_path
    )
    late = read_media(tmp_path / "late.ts").reference
    assert (late.starts_with_key, late.keyframes) == (False, ())
