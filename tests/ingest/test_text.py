"""Text renditions as they are written: whole files, and a controller that dies at each step."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import livedvr.ingest.text as module
from captioned import clear, each_frame, pop_on
from livedvr.ingest.command import CONTAINER_OFFSET, CUES_NAME, JOURNAL_NAME
from livedvr.ingest.run import Run
from livedvr.ingest.text import ABSENT_AFTER, STATE_NAME, TextWriter
from livedvr.media.captions import CaptionData
from livedvr.media.cea608 import Pair
from livedvr.resources.streams import CeaChannel, MuxStream
from livedvr.resources.times import HOUR, SECOND

TEXT = MuxStream(key="text", container="vtt", elementary_streams=("text",))
HEAD = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n"


@dataclass
class Desk:
    """A run's folder as ffmpeg fills it. ``pictures``: the captions in each of the reference's segments."""

    folder: Path
    channel: CeaChannel | None = None
    pictures: dict[int, CaptionData] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run = Run(self.folder / "20261121T020000Z-k3f9", ["av", "text"])
        for mux in ("av", "text"):
            self.run.media_folder(mux).mkdir(parents=True)
            self.run.journal_path(mux).touch()
        self.writer = self.restarted()

    def restarted(self) -> TextWriter:
        """What the next controller has."""
        self.writer = TextWriter(self.run, TEXT, MuxStream(), self.channel)
        return self.writer

    def closes(self, index: int, start: float, end: float) -> None:
        """ffmpeg has closed a segment of the reference."""
        with self.run.journal_path("av").open("a") as journal:
            journal.write(f"segment-{index:06d}.m4s,{start:.6f},{end:.6f}\n")

    def says(self, text: str) -> None:
        """ffmpeg writes cues down."""
        with (self.run.media_folder("text") / CUES_NAME).open("a") as file:
            file.write(text)

    def texts(self) -> list[str]:
        return [path.read_text() for path in sorted(self.run.media_folder("text").glob("segment-*.vtt"))]

    @property
    def journal(self) -> str:
        return (self.run.media_folder("text") / JOURNAL_NAME).read_text()


@pytest.mark.semantics("W5")
def test_whole_files_of_a_subtitle_track(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.says("WEBVTT\n\n00:01.500 --> 00:04.500\nHello <i>you</i>\n\n00:04.600 --> 00:05.000\nTwo\nlines & more\n")
    for index in range(3):
        desk.closes(index, 2 * index, 2 * index + 2)
    desk.writer.write()
    hello = "\n00:00:02.500 --> 00:00:05.500\nHello <i>you</i>\n"  # a second later: CONTAINER_OFFSET
    assert desk.texts() == [
        HEAD + hello,
        HEAD + hello,
        HEAD + hello + "\n00:00:05.600 --> 00:00:06.000\nTwo\nlines &amp; more\n",
    ]
    assert desk.journal == (
        "segment-000000.vtt,0.000000,2.000000\n"
        "segment-000001.vtt,2.000000,4.000000\n"
        "segment-000002.vtt,4.000000,6.000000\n"
    )


def test_what_comes_late_stands_in_the_next_segment(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.says("WEBVTT\n\n00:01.900 --> 00:02.500\nin time\n\n00:03.000 --> 00:0")
    desk.closes(0, -0.08, 2)
    desk.writer.write()
    first = HEAD + "\n00:00:02.900 --> 00:00:03.500\nin time\n"
    assert desk.texts() == [first]
    assert desk.journal == "segment-000000.vtt,-0.080000,2.000000\n"
    desk.says("4.000\nit was torn\n\n00:00.500 --> 00:01.000\nfar too late\n")
    desk.writer.write()
    assert desk.texts() == [first], "what is written does not change"
    desk.closes(1, 2, 4)
    desk.writer.write()
    for text in ("in time", "it was torn", "far too late"):
        assert f"\n{text}\n" in desk.texts()[1]


@pytest.mark.semantics("C4")
def test_cues_of_the_time_before_a_jump_do_not_come_back_with_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.says("WEBVTT\n\n00:09.000 --> 00:15.000\nbefore\n")
    desk.closes(0, 8, 10)
    desk.writer.write()
    desk.closes(1, 4, 6)
    desk.closes(2, 8, 10)
    desk.writer.write()
    assert [text.count("before") for text in desk.texts()] == [1, 0, 0]


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("dies_at", range(9))
def test_a_controller_may_die_at_each_step(tmp_path: Path, dies_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def played(folder: Path, dies_at: int) -> tuple[list[str], str]:
        desk, steps = Desk(folder), iter(range(100))
        desk.says("WEBVTT\n\n00:01.000 --> 00:05.000\nlong\n")

        class Died(Exception):
            pass

        for name in ("replace_file", "_append"):
            owner = module if name == "replace_file" else TextWriter
            whole = getattr(owner, name)

            def step(*given: object, whole: object = whole) -> None:
                if next(steps) == dies_at:
                    raise Died
                whole(*given)  # type: ignore[operator]

            monkeypatch.setattr(owner, name, step)
        for index in range(3):
            desk.closes(index, 2 * index, 2 * index + 2)
            try:
                desk.writer.write()
            except Died:
                desk.restarted().write()
            if index == 1:
                desk.says("\n00:00.500 --> 00:00.900\nlate\n")
        monkeypatch.undo()
        return desk.texts(), desk.journal

    assert played(tmp_path / "dies", dies_at) == played(tmp_path / "lives", -1)


def test_a_cue_that_is_read_ahead_outlives_a_hole_in_the_timestamps(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.says("WEBVTT\n\n00:03.000 --> 00:04.000\nahead\n")
    desk.closes(0, 0, 2)
    desk.closes(1, 2.5, 4.5)
    desk.writer.write()
    assert [text.count("ahead") for text in desk.texts()] == [0, 1]


def captions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of each segment carry what the desk says."""

    def read(path: Path, init: Path | None) -> CaptionData:
        assert path.parent.name == "av" and init is not None
        return desk.pictures.pop(int(path.stem[-6:]))

    monkeypatch.setattr("livedvr.ingest.text.read_captions", read)


def film(seconds: int, script: dict[int, list[tuple[int, int]]], first: int = 0) -> dict[int, CaptionData]:
    """Segments of two seconds whose pictures carry this."""
    frame = SECOND // 30
    pairs = [
        Pair(n * frame + CONTAINER_OFFSET + first, 1, a, b)
        for n, (a, b) in enumerate(each_frame(script, 30 * seconds))
        if a
    ]
    edges = [(first + 2 * i * SECOND, first + 2 * (i + 1) * SECOND) for i in range(seconds // 2)]
    return {
        i: CaptionData(tuple(p for p in pairs if start <= p.time - CONTAINER_OFFSET < end))
        for i, (start, end) in enumerate(edges)
    }


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("restarted", [False, True])
def test_captions_go_on_over_edges_and_restarts(
    tmp_path: Path, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, "CC1")
    captions(desk, monkeypatch)
    desk.pictures = film(8, {48: pop_on("HELLO", "YOU"), 170: clear()})
    for index in range(4):
        desk.closes(index, 2 * index, 2 * index + 2)
        if restarted:
            desk.restarted()
        assert desk.writer.write() is None
    place = "position:20% line:79% align:start\nHELLO\nYOU\n"
    assert desk.texts() == [
        HEAD,
        HEAD + f"\n00:00:03.033 --> 00:00:05.000 {place}",
        HEAD + f"\n00:00:05.000 --> 00:00:06.666 {place}",
        HEAD,
    ]


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("left", ["", "{}", "[]", '{"cues": 1}'])
def test_a_state_that_the_machine_has_lost_goes_on_behind_the_last_row(tmp_path: Path, left: str) -> None:
    desk = Desk(tmp_path)
    desk.says("WEBVTT\n\n00:00.500 --> 00:01.000\nold\n\n00:01.500 --> 00:04.500\nHello\n")
    desk.closes(0, 0, 2)
    desk.writer.write()
    (desk.run.media_folder("text") / STATE_NAME).write_text(left)
    desk.restarted()
    desk.closes(1, 2, 4)
    desk.writer.write()
    assert desk.journal == "segment-000000.vtt,0.000000,2.000000\nsegment-000001.vtt,2.000000,4.000000\n"
    assert desk.texts()[1] == HEAD + "\n00:00:02.500 --> 00:00:05.500\nHello\n", "what is not over, and nothing else"


@pytest.mark.semantics("C5")
def test_captions_beyond_the_33_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrap = (1 << 33) * 100 // 9
    first = 27 * HOUR
    desk = Desk(tmp_path, "CC1")
    captions(desk, monkeypatch)
    far = film(2, {0: pop_on("HELLO")}, first)[0]
    desk.pictures = {0: CaptionData(tuple(Pair(p.time - wrap, p.field, p.first, p.second) for p in far.pairs))}
    desk.closes(0, first / SECOND, first / SECOND + 2)
    desk.writer.write()
    [text] = desk.texts()
    assert text.startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:28,LOCAL:26:30:43.718\n\n27:00:01.")


@pytest.mark.semantics("P7")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (CaptionData(), "the video carries none"),
        (CaptionData((), has_708=True), "the video carries CEA-708 alone"),
        (CaptionData((Pair(0, 2, 0x41, 0x42),)), "but other caption data: is it another channel?"),
    ],
)
def test_captions_that_never_come_are_said_aloud_once(
    tmp_path: Path, data: CaptionData, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, "CC1")
    captions(desk, monkeypatch)
    desk.pictures = dict.fromkeys(range(40), data)
    heard = []
    for index in range(40):
        desk.closes(index, 2 * index, 2 * index + 2)
        if index == 20:
            desk.restarted()
        heard.append(desk.writer.write())
    words = [(index, word) for index, word in enumerate(heard) if word]
    assert [index for index, _ in words] == [ABSENT_AFTER // (2 * SECOND) - 1]
    assert said in words[0][1]
    assert set(desk.texts()) == {HEAD}, "an empty segment is a segment"


def test_a_reference_segment_that_cannot_be_read_has_no_captions(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "CC1")
    desk.closes(0, 0, 2)
    desk.closes(1, 2, 4)
    desk.run.segment_path("av", 1, "fmp4").write_bytes(b"no media")
    (desk.run.media_folder("av") / "init.mp4").write_bytes(b"")
    desk.writer.write()
    assert desk.texts() == [HEAD, HEAD]
    shutil.rmtree(desk.run.folder)
