"""Writes a run's text renditions beside what ffmpeg writes: a WebVTT segment for each of the reference's, then its row.

From its journal on, a text rendition is one like any other. What it is made of: the cues of the source's subtitle
track, which ffmpeg writes down as they come, or the captions in the reference's own pictures.
"""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from livedvr.hls.webvtt import parse_cues, render_webvtt
from livedvr.ingest.command import CONTAINER_OFFSET, CUES_NAME, JOURNAL_NAME
from livedvr.ingest.journal import JournalReader, JournalRow, format_row
from livedvr.ingest.run import Run
from livedvr.ingest.state_file import replace_file
from livedvr.media.captions import read_captions
from livedvr.media.cea608 import REMEMBERED, Pair, captions
from livedvr.media.reader import MediaError, timestamp_difference
from livedvr.resources.layout import INIT_NAME
from livedvr.resources.streams import CeaChannel, MuxStream
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import JUMP
from livedvr.timeline.cues import Cue, cut

STATE_NAME = "state.json"
ABSENT_AFTER = 30 * SECOND  # so much media without a caption is said aloud


@dataclass(slots=True)
class _State:
    """What the next segment needs, as it is after the journal row ``row``. It is stored before that row.

    ``read``: how much of the cues' file has been read. ``cues``: those that are not over. ``pairs``: the captions of
    the last minute. ``silent``: microseconds of media without a caption, None if that has been said, or one has come.
    """

    row: str = ""
    end: int = 0
    read: int = 0
    cues: tuple[Cue, ...] = ()
    pairs: tuple[Pair, ...] = ()
    silent: int | None = 0

    def stored(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"cues": [astuple(cue) for cue in self.cues], "pairs": [astuple(p) for p in self.pairs]}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> _State:
        """From JSON."""
        cues, pairs = (Cue(*cue) for cue in stored["cues"]), (Pair(*pair) for pair in stored["pairs"])
        return cls(**stored | {"cues": tuple(cues), "pairs": tuple(pairs)})


@dataclass(slots=True)
class TextWriter:
    """One text rendition of one run.

    ``channel``: which captions are taken when ffmpeg writes no cues down. ``reference``: the rendition whose segments
    these stand beside.
    """

    run: Run
    mux: MuxStream
    reference: MuxStream
    channel: CeaChannel | None
    journal: JournalReader = field(init=False)
    _state: _State | None = None

    def __post_init__(self) -> None:
        self.journal = JournalReader(self.run.journal_path(self.reference.key))

    def write(self) -> str | None:
        """Write a segment for each that the reference has new; blocking. What is to be said aloud, once.

        It waits for nothing: ffmpeg reads a file's cues ahead of its pictures (measured, 5.1 and 9), and pictures have
        their captions in them, as long as the spool has them: call this after a reference segment's row has come, and
        before it goes.
        """
        state = self._state = self._state or self._restored()
        said = None
        for row in self.journal.new_rows():
            if row.index > self._last_index(state):
                said = self._write_segment(state, row) or said
        return said

    @property
    def _folder(self) -> Path:
        return self.run.media_folder(self.mux.key)

    @property
    def _is_caption(self) -> bool:
        return self.channel is not None and not (self._folder / CUES_NAME).exists()

    def _last_index(self, state: _State) -> int:
        return int(state.row.partition(".")[0].removeprefix("segment-")) if state.row else -1

    def _write_segment(self, state: _State, row: JournalRow) -> str | None:
        if row.start < state.end - JUMP:  # time has gone back: what was shown then is not shown again
            state.cues, state.pairs = tuple(cue for cue in state.cues if cue.start >= state.end), ()
        shown, said = self._captions(state, row) if self._is_caption else (self._cues(state, row), None)
        path = self.run.segment_path(self.mux.key, row.index, self.mux.container)
        stamped = [replace(c, start=c.start + CONTAINER_OFFSET, end=c.end + CONTAINER_OFFSET) for c in shown]
        replace_file(path, render_webvtt(stamped, row.start + CONTAINER_OFFSET))
        state.row = format_row(row, path.name).decode().rstrip()
        state.end = row.end
        replace_file(self._folder / STATE_NAME, json.dumps(state.stored()).encode())
        self._append(state.row)
        return said

    def _cues(self, state: _State, row: JournalRow) -> tuple[Cue, ...]:
        try:
            with (self._folder / CUES_NAME).open("rb") as file:
                file.seek(state.read)
                new = file.read()
        except FileNotFoundError:  # nothing has come yet
            new = b""
        # ffmpeg writes each cue at once; one that is torn all the same (a full disk) waits for its end.
        new = new[: new.rfind(b"\n") + 1]
        state.read += len(new)
        parts = cut(state.cues, parse_cues(new.decode(errors="replace")), row.start, row.end)
        state.cues = parts.left
        return parts.shown

    def _captions(self, state: _State, row: JournalRow) -> tuple[tuple[Cue, ...], str | None]:
        assert self.channel is not None
        path = self.run.segment_path(self.reference.key, row.index, self.reference.container)
        init = self.run.media_folder(self.reference.key) / INIT_NAME
        try:
            data = read_captions(path, init if self.reference.container == "fmp4" else None)
        except (FileNotFoundError, MediaError):  # the reference has its own words for what cannot be read
            return (), None
        new = [
            replace(pair, time=row.start + timestamp_difference(pair.time - CONTAINER_OFFSET, row.start))
            for pair in data.pairs
        ]
        pairs = [pair for pair in (*state.pairs, *new) if pair.time >= row.start - REMEMBERED]
        shown = captions(pairs, self.channel, row.start, row.end)
        state.pairs = tuple(pairs)
        if shown:
            state.silent = None
        if state.silent is None:
            return tuple(shown), None
        state.silent += row.end - row.start
        if state.silent < ABSENT_AFTER:
            return (), None
        state.silent = None
        return (), _absence(self.channel, [*data.pairs, *pairs], has_708=data.has_708)

    def _restored(self) -> _State:
        """As an earlier controller left it; if that had no time for the row, it is written now."""
        try:
            state = _State.restored(json.loads((self._folder / STATE_NAME).read_text()))
        except (FileNotFoundError, ValueError, TypeError, KeyError):  # a crash of the machine may leave none of it
            return self._begun_again()
        if state.row not in (self._folder / JOURNAL_NAME).read_text().splitlines():
            self._append(state.row)
        return state

    def _begun_again(self) -> _State:
        """As the journal tells: behind its last row, with the cues that are not over then. Its captions are lost."""
        state = _State()
        for row in JournalReader(self.run.journal_path(self.mux.key)).new_rows()[-1:]:
            path = self.run.segment_path(self.mux.key, row.index, self.mux.container)
            state.row, state.end = format_row(row, path.name).decode().rstrip(), row.end
            self._cues(state, row)
        return state

    def _append(self, row: str) -> None:
        with (self._folder / JOURNAL_NAME).open("a") as journal:
            journal.write(f"{row}\n")


def _absence(channel: CeaChannel, pairs: list[Pair], *, has_708: bool) -> str:
    if pairs:
        return f"no captions in {channel} so far, but other caption data: is it another channel?"
    if has_708:
        return f"no CEA-608 captions in {channel}: the video carries CEA-708 alone; have the encoder send both"
    return f"no captions in {channel} so far: the video carries none"
