"""Text renditions: a subtitle track, and captions over UDP across a reconnect and a killed controller (P4, P7, W5)."""

from __future__ import annotations

import functools
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from browsing import browser, hls_js  # noqa: F401 - fixtures
from captioned import captioned_clip, clear, pop_on, roll_up
from conftest import DEBIAN_FFMPEG, missing
from live import PATIENCE, Recording, ffmpeg_pids, free_udp_port, lines, record, until, waiting_run
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
// text, pictures: the last segment it has; runs: whose time it knows; shifts: by how much MSE moves timestamps
window.seen = {fatal: [], text: -1, pictures: -1, runs: 0, shifts: []};
const append = SourceBuffer.prototype.appendBuffer;
SourceBuffer.prototype.appendBuffer = function (data) {
  const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0);
  const box = String.fromCharCode(...bytes.slice(4, 8));
  if (box !== "ftyp" && seen.shifts.at(-1) !== this.timestampOffset) seen.shifts.push(this.timestampOffset);
  return append.call(this, data);
};
const video = document.getElementById("v"), hls = new Hls({enableCEA708Captions: false, maxBufferLength: 120});
hls.on(Hls.Events.ERROR, (_, e) => e.fatal && seen.fatal.push(e.details));
hls.on(Hls.Events.FRAG_LOADED, (_, {frag}) => { if (frag.type === "subtitle") seen.text = frag.sn; });
hls.on(Hls.Events.FRAG_BUFFERED, (_, {frag}) => {
  if (frag.type === "main") seen.pictures = Math.max(seen.pictures, frag.sn);
});
hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
hls.on(Hls.Events.INIT_PTS_FOUND, (_, {frag}) => { seen.runs = frag.cc + 1; });
video.textTracks.addEventListener("addtrack", ({track}) => {
  setTimeout(() => { track.mode = "showing"; });  // as who chooses it in the player's menu
});
hls.loadSource("dvr/demo/main.m3u8");
hls.attachMedia(video);
</script>"""
LOOK = """const textTracks = [...video.textTracks];
return {
  ...seen,
  cues: textTracks.flatMap(({cues}) => [...cues ?? []].map((cue) => [cue.startTime, cue.endTime, cue.text])),
  active: textTracks.flatMap(({activeCues}) => [...activeCues ?? []].map(({text}) => text)),
};"""


@pytest.mark.semantics("P4", "P6")
@pytest.mark.parametrize("first", ["text", "pictures"])
def test_hls_js_shows_them_at_their_time(
    first: str,
    captioned: tuple[Captioned, dict[str, Any]],
    hls_js: Path,  # noqa: F811
    browser: Any,  # noqa: F811
) -> None:
    """Whichever of the two it has first behind the discontinuity: the server holds the other back."""
    out = captioned[0].out
    shutil.copy(hls_js, out / "hls.js")
    (out / "page.html").write_text(PAGE)
    texts = [text.path for text in lines(out / "dvr/demo/text/index-1.m3u8")]
    last_run = texts[-1].parent.name
    # The first segment there that shows something: with that hls.js decides.
    first_text = next(
        index
        for index, path in enumerate(texts)
        if path.parent.name == last_run and parse_webvtt(path.read_text()).cues
    )
    held = ".m4s" if first == "text" else ".vtt"
    let = threading.Event()

    def hold(path: str) -> None:
        if path.endswith(held) and last_run in path:
            let.wait(PATIENCE)

    def look() -> Any:
        now = browser.execute_script(LOOK)
        assert not now["fatal"], now
        return now

    def has(what: str) -> bool:
        now = look()
        return bool(now["runs"] == 2 if what == "pictures" else now["text"] >= first_text)

    def shows(*texts: str) -> bool:
        return bool(look()["active"] == [*texts])

    with WebServer(out, before=hold) as server:
        browser.get(f"{server.url}/page.html")
        until(lambda: has(first), f"{first} comes first")
        assert not has("pictures" if first == "text" else "text")
        let.set()
        until(lambda: {look()["text"], look()["pictures"]} == {len(texts) - 1}, "it has everything")
        browser.execute_script("video.pause()")
        loaded = look()
        expected = positions(texts, loaded["shifts"])
        assert [text for _, _, text in loaded["cues"]] == [text for _, _, text in expected]
        for index in (0, 1):
            assert [cue[index] for cue in loaded["cues"]] == pytest.approx([cue[index] for cue in expected], abs=0.01)
        # That it shows them is looked at where it stands: a busy machine plays past one.
        for start, end, text in expected:
            browser.execute_script("video.currentTime = arguments[0]", start + min(0.1, (end - start) / 2))
            until(functools.partial(shows, text), f"{text} is shown at {start}")
        browser.execute_script("video.currentTime = arguments[0]", expected[0][0] - 0.1)
        until(shows, "nothing before the first")


def positions(texts: list[Path], shifts: list[float]) -> list[tuple[float, float, str]]:
    """Where each cue belongs on the player's timeline, from when to when, and its text.

    ``shifts``: by how much each run's pictures are moved there.
    """
    runs = list(dict.fromkeys(path.parent.name for path in texts))
    shift = dict(zip(runs, shifts, strict=True))
    read = [(shift[path.parent.name], parse_webvtt(path.read_text())) for path in texts]
    return [
        (*(moved + (time + (vtt.offset or 0)) / 1e6 for time in (cue.start, cue.end)), cue.text)
        for moved, vtt in read
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
