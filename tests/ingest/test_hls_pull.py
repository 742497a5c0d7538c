from __future__ import annotations

from pathlib import Path

import pytest

from builders import T0
from livedvr.hls.mirror import mirrored_playlist
from livedvr.ingest.hls_pull import USUAL_TARGET, HlsPull
from livedvr.ingest.log import LogTail
from livedvr.ingest.source import parse_source
from livedvr.resources.models import Input
from livedvr.resources.times import SECOND, format_time
from livedvr.timeline.source_dates import SourceDates, SourceSegment
from web_server import WebServer

MEDIA = f"""#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXTINF:4.004,
a/seg7.ts
#EXT-X-PROGRAM-DATE-TIME:{format_time(T0)}
#EXTINF:3,
/b/seg8.ts?x=1
#EXTINF:4,
https://cdn.example/seg9.ts
"""
MULTIVARIANT = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"
sub/live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"
other.m3u8
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "live.m3u8").write_text(MEDIA)
    (tmp_path / "main.m3u8").write_text(MULTIVARIANT)
    return tmp_path


@pytest.mark.semantics("C5", "I3")
@pytest.mark.parametrize("name", ["main.m3u8", "sub/live.m3u8"])
async def test_what_a_source_s_playlist_says(folder: Path, name: str) -> None:
    with WebServer(folder) as server:
        pull = HlsPull(f"{server.url}/{name}")
        assert pull.silence_floor == 3 * USUAL_TARGET
        assert await pull.look()
        url = server.url
    assert (pull.target, pull.silence_floor, pull.is_over) == (4 * SECOND, 12 * SECOND, False)
    assert pull.segments == (
        SourceSegment(7, f"{url}/sub/a/seg7.ts", 4_004_000, T0 - 4_004_000),
        SourceSegment(8, f"{url}/b/seg8.ts?x=1", 3_000_000, T0),
        SourceSegment(9, "https://cdn.example/seg9.ts", 4_000_000, T0 + 3_000_000),
    )


@pytest.mark.semantics("I6")
async def test_through_a_mirror_it_says_the_same_with_the_source_s_own_urls(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # is not asked for what is on loopback
    token = "T" * 43
    with WebServer(folder) as server:
        mirror = f"{server.url}/{token}"
        below = folder / token / "https" / "tv.example"
        below.mkdir(parents=True)
        (below / "live.m3u8").write_text(mirrored_playlist(MEDIA, "https://tv.example/live.m3u8", mirror))
        pull = HlsPull("https://tv.example/live.m3u8", mirror)
        assert await pull.look()
        source = pull.source_of_next_run(parse_source(Input(uri="https://tv.example/live.m3u8")))
    assert (source.url, source.mirrored) == (f"{mirror}/https/tv.example/live.m3u8", True)
    own = ["https://tv.example/a/seg7.ts", "https://tv.example/b/seg8.ts?x=1", "https://cdn.example/seg9.ts"]
    assert [segment.uri for segment in pull.segments] == own
    pull.has_read([f"[hls @ 0x1] [info] Opening '{mirror}/https/tv.example/b/seg8.ts?x=1' for reading"])
    assert pull.fresh == 1, "the last one"


@pytest.mark.semantics("I1")
async def test_a_source_that_has_ended_says_so_and_one_that_does_not_answer_changes_nothing(folder: Path) -> None:
    live = folder / "sub" / "live.m3u8"
    with WebServer(folder) as server:
        pull = HlsPull(f"{server.url}/main.m3u8")
        await pull.look()
        live.write_text(MEDIA + "#EXT-X-ENDLIST\n")
        assert await pull.look() and pull.is_over
        known = pull.segments
        (folder / "main.m3u8").write_text(MULTIVARIANT.replace("sub/live", "main"))
        assert not await pull.look(), "a multivariant playlist that names itself"
    assert not await pull.look() and pull.segments == known


@pytest.mark.semantics("I6")
async def test_the_network_cannot_make_it_read_a_local_file(folder: Path) -> None:
    (folder / "main.m3u8").write_text(MULTIVARIANT.replace("sub/", f"file://{folder}/sub/"))
    with WebServer(folder) as server:
        pull = HlsPull(f"{server.url}/main.m3u8")
        assert not await pull.look() and not pull.segments


@pytest.mark.semantics("C5")
async def test_ffmpeg_s_log_says_which_segment_was_the_first(folder: Path) -> None:
    log = folder / "ffmpeg.log"
    with WebServer(folder) as server:
        log.write_text(
            f"[hls @ 0x1] [info] Opening '{server.url}/sub/live.m3u8' for reading\n"
            f"[in#0/hls @ 0x1] [info] Opening '{server.url}/b/seg8.ts?x=1' for reading\n"
            "[segment @ 0x2] [info] Opening 'av/segment-000000.ts' for writing\n"
        )
        pull = HlsPull(f"{server.url}/main.m3u8")
        dates = SourceDates(anchor=None, follows_cuts=True, smoothed=SECOND)
        await pull.tell(LogTail(log), dates)
    assert dates.patience == pull.silence_floor
    assert dates.date(0, 2 * SECOND, waiting=0) == (T0 + 2 * SECOND, False)


@pytest.mark.semantics("I3", "C3")
async def test_a_run_begins_behind_what_the_run_before_has_opened(folder: Path) -> None:
    source = parse_source(Input(uri="https://tv.example/live.m3u8"))
    opening = "[hls @ 0x1] [info] Opening '{}' for reading"
    with WebServer(folder) as server:
        pull = HlsPull(f"{server.url}/sub/live.m3u8")
        assert pull.fresh == 1, "nobody has looked yet: a run has to"
        await pull.look()
        assert (pull.fresh, pull.source_of_next_run(source).newest) == (3, 3)
        log = [opening.format(f"{server.url}/{uri}") for uri in ("sub/a/seg7.ts", "b/seg8.ts?x=1", "sub/live.m3u8")]
        pull.has_read(log)
        assert (pull.fresh, pull.source_of_next_run(source).newest) == (1, 1)
        pull.has_read([*log, opening.format("https://cdn.example/seg9.ts")])
        assert pull.fresh == 0, "there is nothing for a run"
        pull.has_read([opening.format(f"{server.url}/sub/live.m3u8")])
        assert pull.fresh == 0, "nor has one that read nothing changed that"
        (folder / "sub" / "live.m3u8").write_text(MEDIA + "#EXTINF:4,\nseg10.ts\n#EXTINF:4,\nseg11.ts\n")
        await pull.look()
        assert pull.fresh == 2
        (folder / "sub" / "live.m3u8").write_text(MEDIA.replace("seg", "anew"))
        await pull.look()
        assert pull.fresh == 3, "what was read has left the list"


@pytest.mark.semantics("I3", "P4")
async def test_what_a_changed_source_brought_and_is_not_listed_is_read_again_once(folder: Path) -> None:
    opening = "[hls @ 0x1] [info] Opening '{}' for {}"
    with WebServer(folder) as server:
        pull = HlsPull(f"{server.url}/sub/live.m3u8")
        await pull.look()
        log = [
            opening.format(f"{server.url}/sub/a/seg7.ts", "reading"),
            opening.format("av/segment-000000.ts", "writing"),
            opening.format(f"{server.url}/b/seg8.ts?x=1", "reading"),
            opening.format(f"{server.url}/sub/live.m3u8", "reading"),
            opening.format("av/segment-000001.ts", "writing"),
            opening.format("https://cdn.example/seg9.ts", "reading"),
        ]
        pull.has_read(log, "av/segment-000001.ts")
        assert pull.fresh == 2, "the one that holds the change, and what came after it"
        pull.has_read(log[2:], "av/segment-000001.ts")
        assert pull.fresh == 1, "it begins with what was before the change: no run gets past it"
        pull.has_read(log)
        assert pull.fresh == 0
