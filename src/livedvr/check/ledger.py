"""Findings, each once: a playlist that is loaded again shows again what was wrong with it before."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

from livedvr.hls.parsed import Playlist
from livedvr.hls.rules import Finding
from livedvr.hls.rules_tags import TAGS, Place

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_HEADER = {name for name, spec in TAGS.items() if spec.place in (Place.ANY, Place.MEDIA)}


class Ledger:
    """Collects findings.

    Attributes:
        findings: in the order they came.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._known: set[tuple[object, int]] = set()

    def add(self, found: Iterable[Finding], versions: Mapping[str, Playlist]) -> None:
        """Take what one load showed and no load before it did.

        Args:
            found: what was found in the text of playlists.
            versions: the playlists that it was found in, by name.
        """
        again: Counter[object] = Counter()
        for finding in found:
            message = _NUMBER.sub("", finding.message)  # "2.0 s are listed" is the same with 2.1 s at the next load
            kind = (finding.rule_id, finding.playlist, _place(finding, versions[finding.playlist]), message)
            again[kind] += 1
            if (kind, again[kind]) not in self._known:
                self._known.add((kind, again[kind]))
                self.findings.append(finding)


def _place(finding: Finding, playlist: Playlist) -> int | None:
    """The media sequence number of the segment that is meant: where a playlist slides, its line is another each time.

    None where the playlist as a whole is; the line in a multivariant playlist, whose lines stay.
    """
    if finding.line is None or playlist.is_multivariant:
        return finding.line
    index = bisect_left(playlist.items, finding.line, key=lambda item: item.line)
    item = playlist.items[index] if index < len(playlist.items) else None
    if item is not None and getattr(item, "name", None) in _HEADER:
        return None
    position = bisect_left(playlist.segments, finding.line, key=lambda segment: segment.line)
    return playlist.segments[position].number if position < len(playlist.segments) else playlist.next_number
