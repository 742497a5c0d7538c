"""Text renditions: a subtitle track, and captions over UDP across a reconnect and a killed controller (P4, P7, W5)."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from browsing import browser, hls_js  # noqa: F401 - fixtures
from captioned import captioned_clip, clear, pop_on, roll_up
from conftest import DEBIAN_FFMPEG, missing
from live import Recording, ffmpeg_pids, free_udp_port, lines, record, until, waiting_run
from livedvr.catalog import channel_rows
from livedvr.catalog.reading import reading
from livedvr.check.run import run_check
from livedvr.hls.webvtt import parse_webvtt
from livedvr.media.captions import read_captions
from livedvr.media.reader import read_media
from livedvr.resources.models import Channel, Input, Output
from livedvr.resources.streams import ElementaryStream, MuxStream, VideoCodec, VideoStream
from offline import cut_clip
from web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # half a minute and more of real time, on a quiet machine

SUBTITLES = """1
00:00:01,000 --> 00:00:02,500
Hello <i>one</i>

2
00:00:03,500 --> 00:00:04,700
Two lines
& more
"""


def listing(output: Path, mux: str) -> str:
    path = output / f"dvr/demo/{mux}/index-1.m3u8"
    return path.read_text() if path.exists() else ""


def events(output: Path) -> list[tuple[str, str]]:
    with reading(output / ".livedvr/catalog.sqlite3") as db:
        return [(kind, text) for _, kind, text in channel_rows.list_events(db, "live")]


def edges(output: Path, mux: str) -> list[tuple[float, float, bool]]:
    return [(one.date, one.duration, one.discontinuity) for one in lines(output / f"dvr/demo/{mux}/index-1.m3u8")]


def cues(output: Path) -> dict[str, list[tuple[float, float]]]:
    """Each text of the session: where it is shown, seconds from the first picture of its run."""
    found: dict[str, list[tuple[float, float]]] = {}
    origins: dict[str, int] = {}
    media = lines(output / "dvr/demo/av/index-1.m3u8")
    for picture, text in zip(media, lines(output / "dvr/demo/text/index-1.m3u8"), strict=True):
        first = read_media(picture.path, picture.init).reference.first_pts
        origin = origins.setdefault(text.path.parent.name, first)
        read = parse_webvtt(text.path.read_text())
        assert read.offset is not None and not read.broken
        for cue in read.cues:
            shown = tuple((time + read.offset - origin) / 1e6 for time in (cue.start, cue.end))
            if shown not in found.setdefault(cue.text, []):
                found[cue.text].append(shown)
    return found


@pytest.mark.semantics("W5", "P4", "P6")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_a_subtitle_track(container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setenv("LIVEDVR_FFMPEG", wheel if container == "fmp4" else str(DEBIAN_FFMPEG))
    clip, out = tmp_path / "clip.mkv", tmp_path / "out"
    (tmp_path / "clip.srt").write_text(SUBTITLES)
    made = f"{wheel} -nostdin -loglevel error -f lavfi -i testsrc2=s=160x90:r=25:d=5 -f lavfi -i sine=d=5"
    made += f" -i {tmp_path}/clip.srt -map 0 -map 1 -map 2 -c:v libx264 -g 50 -bf 2 -c:a aac -c:s srt {clip}"
    subprocess.run(made.split(), check=True)
    options = ("--session", "demo", "--container", container, "--target-duration", "2", "--subtitles", "auto:en")
    code, result, err = record(str(clip), out, *options)
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    report = run_check(result["output_uri"], deep=True)
    assert report.ok and not report.findings, report.findings
    assert edges(out, "text") == edges(out, "av")
    main = (out / "dvr/demo/main.m3u8").read_text()
    assert '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="en"' in main and 'LANGUAGE="en"' in main
    assert 'SUBTITLES="subtitles"' in main and "CLOSED-CAPTIONS" not in main
    shown = cues(out)
    assert list(shown) == ["Hello <i>one</i>", "Two lines\n&amp; more"]
    assert shown["Hello <i>one</i>"] == [(pytest.approx(1.0, abs=0.06), pytest.approx(2.5, abs=0.06))]
    assert "text" in {path.parent.parent.name for path in out.glob("text/*/*.vtt")}
    live = (out / "text/index-1.m3u8").read_text()
    assert live.count(".vtt") == 3 and "EXT-X-MAP" not in live
    # ffmpeg reads them as a player does (5.1 knows no subtitles in HLS).
    read = subprocess.run(
        [wheel, "-nostdin", "-loglevel", "error", "-i", result["output_uri"], "-map", "0:s:0", "-f", "srt", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Hello <i>one</i>" in read.stdout and "Two lines\n& more" in read.stdout


@pytest.mark.semantics("P7")
def test_a_track_of_bitmaps_does_not_stop_the_pictures(wheel_ffmpeg: str, tmp_path: Path) -> None:
    plain, clip, out = tmp_path / "plain.ts", tmp_path / "clip.ts", tmp_path / "out"
    made = f"{wheel_ffmpeg} -nostdin -loglevel error -f lavfi -i testsrc2=s=160x90:r=25:d=2 -c:v libx264 -g 25 {plain}"
    subprocess.run(made.split(), check=True)
    with av.open(str(plain)) as source, av.open(str(clip), "w", format="mpegts") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        target.add_stream("dvbsub")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                target.mux(packet)
    code, result, err = record(str(clip), out, "--session", "demo", "--target-duration", "2", "--subtitles", "0")
    assert (code, result["state"]) == (0, "FINISHED"), err
    [(kind, text)] = events(out)
    assert kind == "RENDITION_FAILED"
    assert (
        text == "text: the source's 's:0' is dvb_subtitle, pictures of text: name a track of text, or CEA-608 captions"
    )
    assert listing(out, "text").count("#EXT-X-GAP") == listing(out, "av").count("#EXTINF") > 0
    assert run_check(result["output_uri"], deep=True).ok


class Captioned:
    """Captions over UDP across a reconnect, and across a controller that was killed."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.clip = folder / "captions.ts"
        script = {frame: pop_on(f"AT {frame // 30}", "AND BELOW") for frame in range(15, 300, 75)}
        script |= {60: clear()} | {frame: roll_up(f"LINE {frame}") for frame in (330, 390)}
        captioned_clip(imageio_ffmpeg.get_ffmpeg_exe(), self.clip, script, 15)
        port = free_udp_port()
        self.url = f"udp://127.0.0.1:{port}"
        self.options = ("--session", "demo", "--segment-duration", "1s", "--target-duration", "2", "--subtitles")

    def send(self) -> subprocess.Popen[bytes]:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-re", "-i", str(self.clip)]
        return subprocess.Popen([*command, "-c", "copy", "-f", "mpegts", self.url + "?pkt_size=1316"])

    def record(self) -> dict[str, Any]:
        first = Recording(self.url, self.out, *self.options)
        waiting_run(self.out)
        sender = self.send()
        until(lambda: listing(self.out, "text").count("#EXTINF") >= 1, "a segment of text")
        self.before = listing(self.out, "text")
        first.send(signal.SIGKILL)
        first.process.communicate()
        with Recording(self.url, self.out, *self.options, "--resume") as second:
            until(lambda: listing(self.out, "text").count("#EXTINF") >= 3, "it goes on")
            sender.kill()
            sender.communicate()
            waiting_run(self.out, 1)
            until(lambda: not ffmpeg_pids(self.out), "the silence ends the run")
            until(lambda: ffmpeg_pids(self.out), "the next one waits")
            sender = self.send()
            until(
                lambda: listing(self.out, "text").partition("#EXT-X-DISCONTINUITY\n")[2].count("#EXTINF") >= 6, "more"
            )
            second.send(signal.SIGINT)
            code, result, err = second.finish()
            sender.kill()
            sender.communicate()
        assert (code, result["state"]) == (0, "FINISHED"), err
        return result


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Captioned, dict[str, Any]]]:
    with pytest.MonkeyPatch.context() as patch:
        if not DEBIAN_FFMPEG.exists():
            missing("Debian's ffmpeg", "ffmpeg")
        patch.setenv("LIVEDVR_FFMPEG", str(DEBIAN_FFMPEG))
        one = Captioned(tmp_path_factory.mktemp("captions"))
        yield one, one.record()


@pytest.mark.semantics("P4", "P1", "S16")
def test_captions_across_a_reconnect_and_a_restart(captioned: tuple[Captioned, dict[str, Any]]) -> None:
    one, result = captioned
    assert [gap["reason"] for gap in result["gaps"]] == ["source lost"]
    report = run_check(result["output_uri"], deep=True)
    assert report.ok and not report.findings, report.findings
    assert listing(one.out, "text").startswith(one.before), "no published line has changed"
    assert edges(one.out, "text") == edges(one.out, "av")
    assert sum(broken for _, _, broken in edges(one.out, "text")) == 1
    assert events(one.out) == []
    runs = {path.parent.name for path in one.out.glob("text/*/*.vtt")}
    assert len(runs) == 2
    for run in runs:
        assert shown_by_us(one.out, run) == shown_by_ffmpeg(one.out, run)


def shown_by_us(out: Path, run: str) -> dict[str, float]:
    """The pop-on captions of a run and when they appear, to a tenth of a second of the media's timestamps."""
    found: dict[str, float] = {}
    for path in sorted(out.glob(f"text/{run}/*.vtt")):
        read = parse_webvtt(path.read_text())
        for cue in read.cues:
            found.setdefault(cue.text, round((cue.start + (read.offset or 0)) / 1e6, 1))
    return {text: start for text, start in found.items() if text.startswith("AT")}


def shown_by_ffmpeg(out: Path, run: str) -> dict[str, float]:
    """The same, as ffmpeg's own decoder reads it out of the published pictures."""
    whole = out / f"{run}.mp4"
    parts = [out / f"av/{run}/init.mp4", *sorted(out.glob(f"av/{run}/*.m4s"))]
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    graph = f"movie={whole}[out0+subcc]"
    command = [str(DEBIAN_FFMPEG), "-nostdin", "-loglevel", "error", "-copyts", "-f", "lavfi", "-i", graph]
    read = subprocess.run([*command, "-map", "0:s", "-f", "webvtt", "-"], capture_output=True, text=True, check=True)
    cues = parse_webvtt(read.stdout).cues
    said = {re.sub(r"<[^>]*>|\{[^}]*\}", "", cue.text): cue.start for cue in reversed(cues)}
    return {text: round(start / 1e6, 1) for text, start in said.items() if text.startswith("AT")}


PAGE = """<!DOCTYPE html><meta charset=utf-8><title>hls.js</title><video id=v muted playsinline></video>
<script src=hls.js></script><script>
window.seen = {fatal: [], shown: []};
const video = document.getElementById("v"), hls = new Hls({enableCEA708Captions: false});
hls.on(Hls.Events.ERROR, (_, e) => e.fatal && seen.fatal.push(e.details));
hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
video.textTracks.addEventListener("addtrack", ({track}) => {
  track.addEventListener("cuechange", () => [...track.activeCues].forEach((cue) =>
    seen.shown.push([cue.text, cue.startTime, video.currentTime])));
  setTimeout(() => { track.mode = "showing"; });  // as who chooses it in the player's menu
});
hls.loadSource("dvr/demo/main.m3u8");
hls.attachMedia(video);
video.playbackRate = 4;
</script>"""


@pytest.mark.semantics("P4", "P6")
def test_hls_js_shows_them_at_their_time(
    captioned: tuple[Captioned, dict[str, Any]],
    hls_js: Path,  # noqa: F811
    browser: Any,  # noqa: F811
) -> None:
    out = captioned[0].out
    shutil.copy(hls_js, out / "hls.js")
    (out / "page.html").write_text(PAGE)
    with WebServer(out) as server:
        browser.get(f"{server.url}/page.html")

        def look() -> Any:
            now = browser.execute_script(
                "return {...seen, ended: video.ended, fragments: hls.levels[0]?.details?.fragments.map((f) => f.start)}"
            )
            assert not now["fatal"], now
            return now

        until(lambda: look()["ended"], "it has been played to its end")
        played = look()
    expected = positions(out, played["fragments"])
    # What comes behind a discontinuity hls.js 1.7 has loaded before those pictures: then it takes timestamp 0 for the
    # beginning of the run. Ours begin at 1 s (CONTAINER_OFFSET), and so late it may be.
    for position, text, late in expected:
        starts = [start for said, start, _ in played["shown"] if said == text]
        assert min(abs(start - position - late / 2) for start in starts) < 0.1 + late / 2, (text, position, starts)
    assert {said for said, _, _ in played["shown"]} == {text for _, text, _ in expected}
    assert all(at - start < 2 for _, start, at in played["shown"]), "shown while it is said"


def positions(out: Path, fragments: list[float]) -> list[tuple[float, str, float]]:
    """Where each cue belongs on the player's timeline, its text, and how late hls.js may be, seconds.

    ``fragments``: where that has the segments. Of a run the last one tells.
    """
    media = lines(out / "dvr/demo/av/index-1.m3u8")
    shift = {
        picture.path.parent.name: at
        - min(stream.first_pts for stream in read_media(picture.path, picture.init).streams) / 1e6
        for at, picture in zip(fragments, media, strict=True)
    }
    texts = lines(out / "dvr/demo/text/index-1.m3u8")
    read = [(text.path.parent.name, parse_webvtt(text.path.read_text())) for text in texts]
    return [
        (shift[run] + (cue.start + (vtt.offset or 0)) / 1e6, cue.text, 0.0 if run == read[0][0] else 1.0)
        for run, vtt in read
        for cue in vtt.cues
    ]


@pytest.mark.parametrize(("codec", "build"), [("h264", "wheel"), ("h264", "debian"), ("h265", "wheel")])
def test_captions_survive_our_encoders(codec: VideoCodec, build: str, tmp_path: Path) -> None:
    wheel = imageio_ffmpeg.get_ffmpeg_exe()
    clip, sent = tmp_path / "clip.ts", pop_on("HELLO")
    captioned_clip(wheel, clip, {20: sent}, 3)
    video = ElementaryStream(key="video", video_stream=VideoStream(codec=codec, height_pixels=72))
    mux = MuxStream(elementary_streams=("video",))
    made = Channel(
        channel_id="live",
        input=Input(uri=str(clip)),
        output=Output(uri=str(tmp_path)),
        elementary_streams=(video,),
        mux_streams=(mux,),
    )
    cut_clip(wheel if build == "wheel" else str(DEBIAN_FFMPEG), clip, made, tmp_path)
    found = [
        (pair.first, pair.second)
        for path in sorted((tmp_path / "av").glob("segment-*.m4s"))
        for pair in read_captions(path, tmp_path / "av/init.mp4").pairs
    ]
    assert found == sent
