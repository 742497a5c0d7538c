"""Examines a presentation: once, or each version of it that is loaded, held against the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from livedvr.check.ledger import Ledger
from livedvr.check.load import PLAYLIST_UNREACHABLE, MediaPlaylist, Presentation
from livedvr.check.report import PlaylistFigures, Report
from livedvr.check.segments import SegmentCheck
from livedvr.check.subtitles import check_subtitles
from livedvr.check.variants import check_variants
from livedvr.fetch import Fetcher
from livedvr.hls.rules import Finding, check_playlist, check_renditions
from livedvr.hls.rules_reload import Reload, check_first_load, check_reload
from livedvr.resources.errors import SourceError


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version of a presentation.

    Attributes:
        presentation: all its playlists.
        began, ended: the instants between which they were read, microseconds of any clock that does not jump.
    """

    presentation: Presentation
    began: int = 0
    ended: int = 0


@dataclass(slots=True)
class _Known:
    """What is known of one media playlist.

    Attributes:
        media: the version that was loaded last.
        grown: the instant at which its newest segment was there for certain.
        segments, duration: of all that it has listed so far.
        waited: microseconds without a new segment, at the last load.
        check: opens its segments.
    """

    media: MediaPlaylist
    grown: int
    segments: int
    duration: Fraction
    waited: int = 0
    check: SegmentCheck | None = None


class Examination:
    """Takes one version of a presentation after the other.

    Args:
        target: what is checked, as the user named it.
        fetcher: reads its segments.
        deep: open the segments.
        following: there is more than one version to come.
        stopped: asked before each segment is opened.
    """

    def __init__(
        self,
        target: str,
        fetcher: Fetcher,
        *,
        deep: bool,
        following: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._target = target
        self._fetcher = fetcher
        self._deep = deep
        self._following = following
        self._stopped = stopped
        self._ledger = Ledger()
        self._reloaded: list[Finding] = []
        self._known: dict[str, _Known] = {}  # by name, which is the URI that led to it: a new URI is a new playlist
        self._presentation = Presentation(None, (), (), ())

    @property
    def segments(self) -> int:
        """How many segments were listed so far."""
        return sum(known.segments for known in self._known.values())

    @property
    def findings(self) -> list[Finding]:
        """What was found so far."""
        opened = [finding for known in self._known.values() if known.check for finding in known.check.findings]
        return [*self._ledger.findings, *self._reloaded, *opened]

    def take(self, loaded: Loaded) -> bool:
        """Examine one version; returns whether a media playlist in it has changed, or is new."""
        presentation = self._presentation = loaded.presentation
        versions = {media.playlist.name: media.playlist for media in presentation.media}
        texts = [*presentation.findings]
        if presentation.multivariant:
            versions[presentation.multivariant.name] = presentation.multivariant
            texts += check_playlist(presentation.multivariant)
        changed = False
        for media in presentation.media:
            is_new = self._take(media, loaded)
            if is_new:  # the same text has the same findings
                texts += check_playlist(media.playlist)
            changed = changed or is_new
        texts += check_renditions([media.rendition for media in presentation.media])
        self._ledger.add(texts, versions)
        if self._deep:
            self._open()
        return changed

    def miss(self, error: SourceError) -> None:
        """The first playlist of all could not be loaded again."""
        root = self._presentation.multivariant or self._presentation.media[0].playlist
        self._ledger.add([PLAYLIST_UNREACHABLE.at(root.name, None, error.message)], {root.name: root})

    def report(self, reloads: int | None = None) -> Report:
        """All that was found; there is no version to come."""
        for known in self._known.values():
            if known.check:
                known.check.finish()
        findings = self.findings
        if self._deep:
            checks = [(media, self._known[media.playlist.name].check) for media in self._presentation.media]
            measured = {media.url: check.measured for media, check in checks if check}
            findings += check_variants(self._presentation, measured)
            texts = {url: found.subtitles for url, found in measured.items()}
            clocks = {url: found.clocks for url, found in measured.items()}
            findings += check_subtitles(self._presentation.media, texts, clocks)
        multivariant = self._presentation.multivariant
        names = [multivariant.name] if multivariant else []
        order = {name: index for index, name in enumerate([*names, *self._known])}
        findings.sort(key=lambda finding: (order[finding.playlist], finding.line or 0))
        figures, found = tuple(self._figures()), tuple(findings)
        return Report(self._target, len(names), figures, found, self._deep, reloads)

    def _take(self, media: MediaPlaylist, loaded: Loaded) -> bool:
        """Hold one media playlist against the version before; returns whether it has changed, or is new."""
        playlist = media.playlist
        known = self._known.get(playlist.name)
        if known is None:
            self._known[playlist.name] = _Known(media, loaded.ended, len(playlist.segments), playlist.duration)
            self._reloaded += check_first_load(playlist) if self._following else ()
            return True
        before = known.media.playlist
        has_grown = playlist.next_number != before.next_number
        # What was there when the load before ended, and still when this one began, was there all the time between.
        waited = 0 if has_grown else loaded.began - known.grown
        reload = Reload(before, playlist, waited, known.waited)
        self._reloaded += check_reload(reload)
        if has_grown:
            known.grown = loaded.ended
            new = [segment for segment in playlist.segments if segment.number >= before.next_number]
            known.segments += len(new)
            known.duration += sum((segment.duration or Fraction(0) for segment in new), Fraction(0))
        known.media, known.waited = media, waited
        return reload.changed

    def _open(self) -> None:
        """Open the segments that have not been opened."""
        multivariant = self._presentation.multivariant
        independent = multivariant is not None and "EXT-X-INDEPENDENT-SEGMENTS" in multivariant.tags
        for media in self._presentation.media:
            known = self._known[media.playlist.name]
            known.check = known.check or SegmentCheck(media, self._fetcher, independent=independent)
            known.check.take(media, self._stopped)

    def _figures(self) -> Iterator[PlaylistFigures]:
        for name, known in self._known.items():
            peak, average = (known.check.measured.peak, known.check.measured.average) if known.check else (None, None)
            yield PlaylistFigures(name, known.segments, known.duration, peak, average)
