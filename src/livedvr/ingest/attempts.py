"""What the runs of an input teach the next one, and when there is no use in another (SEMANTICS I3, P7). Pure."""

from __future__ import annotations

from dataclasses import replace

from livedvr.ingest import log
from livedvr.ingest.command import LONG_PROBE_SECONDS, Cut
from livedvr.ingest.ended_run import EndedRun
from livedvr.ingest.lacking import without
from livedvr.ingest.source import Source
from livedvr.resources.errors import SourceError
from livedvr.resources.times import MINUTE, SECOND

FIRST_BACKOFF, LAST_BACKOFF = SECOND // 2, 10 * SECOND
AT_ONCE = 2 * SECOND  # an ffmpeg that ends this early without media never got going
GIVE_UP_AFTER = 3  # that often in a row

Event = tuple[str, str]
"""(kind, text) of something that the channel's user should know."""


class Attempts:
    """One input's runs, one after the other. Times are microseconds.

    Attributes:
        cut: how the next run cuts.
        last_failure: what the last run that brought nothing died of.
        backoff: how long to wait before the next run.
    """

    def __init__(self, source: Source, cut: Cut) -> None:
        self.cut = cut
        self.last_failure: str | None = None
        self.backoff = FIRST_BACKOFF
        self._source = source
        self._failures = 0  # in a row
        self._told: str | None = None  # why a source that is pulled does not come
        self._is_keyless = False  # it has been said that no keyframe comes

    def waited(self) -> None:
        """The pause before the next run is over."""
        self.backoff = min(2 * self.backoff, LAST_BACKOFF)

    def brought(self, ended: EndedRun | None, lived: int) -> list[Event]:
        """A run has brought media (None: some that was refused), and lived for so long.

        SourceError: a file whose rest cannot be cut.
        """
        self._failures = 0
        sound = {one for one in self.cut.lacking if one.startswith("a:")}  # what was missing may be there now
        self.cut = replace(self.cut, muxes=self.cut.channel.mux_streams, lacking=self.cut.lacking - sound)
        self.backoff = FIRST_BACKOFF if lived > MINUTE else self.backoff
        overlong = ended.overlong if ended is not None else None
        if overlong:
            return self._keyless(overlong)
        self._is_keyless = False
        return []

    def brought_nothing(self, ended: EndedRun, lived: int, *, has_recorded: bool) -> list[Event]:
        """A run has brought nothing: learn from its log. SourceError: it is given up.

        ``has_recorded``: the channel has media. Then nobody who publishes what cannot be taken ends it.
        """
        words = log.last_words(ended.log) or f"ffmpeg ended with code {ended.exit.code}, signal {ended.exit.signal}"
        self.last_failure = ended.silence or words
        dropped = self._do_without(ended, has_recorded=has_recorded)
        if dropped is not None:
            return dropped
        if log.lacks_keyframe(ended.log) and self.cut.probe_seconds < LONG_PROBE_SECONDS:
            self.cut = replace(self.cut, probe_seconds=LONG_PROBE_SECONDS)
            return []
        if log.lacks_picture_size(ended.log):
            return self._keyless(f"no keyframe within {self.cut.probe_seconds} s")
        if self._source.kind in ("file", "testsrc"):
            raise SourceError(f"ffmpeg cannot read it: {self.last_failure}", field=self._source.shown)
        at_once = lived < AT_ONCE and not log.refused_publisher(ended.log)
        self._failures = self._failures + 1 if at_once and self._source.listens else 0
        if self._failures >= GIVE_UP_AFTER and not self._source.is_fed:
            raise SourceError(
                f"ffmpeg ends at once, {self._failures} times in a row: {words}", field=self._source.shown
            )
        if self._failures == GIVE_UP_AFTER:
            hint = "start nginx with what `livedvr gateway nginx` prints; it is tried again all the time"
            return [("GATEWAY_UNAVAILABLE", str(SourceError(words, field=self._source.shown, hint=hint)))]
        if not self._source.listens and words != self._told:
            self._told = words  # each reason once: it is tried again and again
            return [("SOURCE_UNREACHABLE", f"{self._source.shown}: {words}")]
        return []

    def _do_without(self, ended: EndedRun, *, has_recorded: bool) -> list[Event] | None:
        """Of renditions that cannot be made of this source the next run does without (P7). None: there are none."""
        found = without(self.cut, ended.log)
        if found is None:
            return None
        cut, affected, why = found
        if self.cut.channel.reference not in cut.muxes:
            return self._refuse(SourceError(why, field=self._source.shown), has_recorded=has_recorded)
        self.cut = cut
        if not affected:
            return []  # captions take the place of a track
        self.last_failure = f"{', '.join(affected)}: {why}"
        return [("RENDITION_FAILED", self.last_failure)]

    def _refuse(self, error: SourceError, *, has_recorded: bool) -> list[Event]:
        if not has_recorded:
            raise error
        self.last_failure = str(error)
        return [("SOURCE_REFUSED", self.last_failure)]

    def _keyless(self, found: str) -> list[Event]:
        """Media comes, and no segment can be made of it. Said once, until a run shows that it is over."""
        self.last_failure = f"{found}: a segment can begin and end at keyframes only"
        if self._source.ends:
            raise SourceError(self.last_failure, field=self._source.shown, hint="encode it: --video h264")
        was_said, self._is_keyless = self._is_keyless, True
        hint = "set the encoder's keyframe interval to a few seconds"
        return [] if was_said else [("NO_KEYFRAME", f"{self._source.shown}: {self.last_failure} ({hint})")]
