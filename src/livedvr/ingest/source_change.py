"""Where a run's source has become another one: other pictures, other sound (SEMANTICS P4).

ffmpeg that copies goes on under the old init segment and says nothing. So what it has written is looked at, each byte
once, before it is listed: the open segment too, for one that is cut no more would never be closed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livedvr.ingest.run import Run
from livedvr.ingest.state_file import replace_file
from livedvr.media.fragments import Fragments, init_traits
from livedvr.media.parameter_sets import Picture
from livedvr.media.traits import Sound, Traits, difference
from livedvr.media.transport import Transport
from livedvr.resources.layout import INIT_NAME
from livedvr.resources.streams import MuxStream
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import ClosedSegment

BEGAN_NAME = "began.json"  # what the run began with, for the next controller
_WHOLE = 1 * SECOND  # a shorter segment may be without audio by the way the source interleaves


class SourceChange:
    """Watches one rendition of a run. `look` is blocking.

    Attributes:
        index: the first segment in which the source is another one; None while it is not.
        text: what has changed, for people.
    """

    def __init__(self, run: Run, mux: MuxStream) -> None:
        self._run, self._mux = run, mux
        self._began = run.media_folder(mux.key) / BEGAN_NAME
        self._init = run.media_folder(mux.key) / INIT_NAME
        self._known: Traits | None = None
        self._at = -1  # the segment that is being read
        self._offset = 0
        self._reader: Fragments | Transport = Transport()
        self._closed = -1  # the newest segment that has been read to its end
        self._has_jumped = False  # in it
        self.index: int | None = None
        self.text: str | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the run began without audio."""
        return self._known is not None and not self._known.has_audio

    def grown(self, size: int) -> int:
        """What grows as long as the source is there (I2): the open segment's pictures, or without any its ``size``.

        Its sound alone is no sign of life: nothing would be cut any more.
        """
        frames = self._reader.traits.frames
        return frames if frames or (self._known is not None and self._known.frames) else size

    def look(self, rows: Sequence[ClosedSegment], open_index: int) -> None:
        """Look at what is new.

        Args:
            rows: closed segments in order; those that have been looked at before are passed over.
            open_index: the segment that ffmpeg is writing.
        """
        if self._mux.container == "vtt":
            return
        if self._known is None:
            self._known = _load(self._began)
        for row in rows:
            if self.index is None and row.index > self._closed and self._read(row.index):
                self._reader.finish()
                self._judge(row.index, whole=row.media_end - row.media_start >= _WHOLE)
                self._learn()
                self._closed, self._has_jumped = row.index, self._reader.traits.jumps > 0
        if self.index is None and self._read(open_index):
            self._judge(open_index, whole=False)

    def decided(self, rows: Sequence[ClosedSegment]) -> int:
        """Of how many of the closed segments it is known what comes after them, as far as that matters.

        ffmpeg reads the next sender's sound before the last one's pictures have come to their end: in MPEG-TS those are
        then given the next one's time.
        """
        if not rows or self._mux.container != "ts" or self._known is None or not self._known.frames:
            return len(rows)
        has_begun = self._at > rows[-1].index and self._reader.traits.frames > 0
        return len(rows) if has_begun else len(rows) - 1

    def _read(self, index: int) -> bool:
        """Read what has been added to a segment; False: there is none."""
        path = self._run.segment_path(self._mux.key, index, self._mux.container)
        try:
            with path.open("rb") as file:
                if index != self._at:
                    fmp4 = self._mux.container == "fmp4"
                    self._reader = Fragments(self._init.read_bytes()) if fmp4 else Transport()
                    self._at, self._offset = index, 0  # only now: the init segment may not be there yet
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return False
        self._offset += len(data)
        self._reader.add(data)
        return True

    def _judge(self, index: int, *, whole: bool) -> None:
        known = self._known or self._beginning()
        self.text = difference(known, self._reader.traits, whole=whole)
        if self.text is not None:
            self.index = index - 1 if self._has_jumped and self._closed == index - 1 else index

    def _beginning(self) -> Traits:
        """What the run began with, as far as its first segment has come: the first picture by each id, one rate.

        What the source announces counts, too. It may differ from the pictures (a camera's sequence header with another
        level), and it may be all there is; what it can never be is another codec.
        """
        found = self._reader.traits
        announced = init_traits(self._init.read_bytes()).pictures if self._mux.container == "fmp4" else ()
        first: dict[int, Picture] = {}
        for picture in found.pictures:
            if not announced or picture.codec == announced[0].codec:
                first.setdefault(picture.number, picture)
        pictures = tuple(dict.fromkeys((*announced, *first.values())))
        sounds = tuple(sound for sound in found.sounds if sound.rate == found.sounds[0].rate)
        return Traits(pictures, sounds, found.frames, found.has_audio)

    def _learn(self) -> None:
        if self._known is None and self.index is None:
            self._known = self._beginning()
            replace_file(self._began, json.dumps(asdict(self._known)).encode())


def _load(path: Path) -> Traits | None:
    """None: it is not there, or a crash of the machine has left none of it. Then the run begins with what is seen."""
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        pictures = tuple(Picture(**one) for one in data.pop("pictures"))
        return Traits(pictures, tuple(Sound(**one) for one in data.pop("sounds")), **data)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
