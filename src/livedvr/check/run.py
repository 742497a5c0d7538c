"""One check from end to end."""

from __future__ import annotations

from dataclasses import replace

from livedvr.check.fetch import Fetcher, address_of
from livedvr.check.load import Presentation, load
from livedvr.check.report import PlaylistFigures, Report
from livedvr.check.segments import Measured, SegmentCheck
from livedvr.check.variants import check_variants
from livedvr.hls.rules import Finding, check_playlist, check_renditions


def run_check(target: str, *, deep: bool) -> Report:
    """Check a presentation.

    Args:
        target: path, ``file:///`` or http(s) address of a multivariant or media playlist.
        deep: also open every segment.

    Raises:
        InvalidArgument: the target is of no kind that can be read here.
        SourceError: the target cannot be read, or is no HLS playlist. What it names, and cannot be read, is a finding.
    """
    address = address_of(target)
    fetcher = Fetcher(address)
    presentation = load(address, target, fetcher)
    findings = [*_check_texts(presentation), *check_renditions([media.rendition for media in presentation.media])]
    figures = [
        PlaylistFigures(media.playlist.name, len(media.playlist.segments), media.playlist.duration)
        for media in presentation.media
    ]
    if deep:
        measured, found = _check_segments(presentation, fetcher)
        findings += [*found, *check_variants(presentation, measured)]
        by_playlist = [measured[media.url] for media in presentation.media]
        figures = [
            replace(figure, peak=one.peak, average=one.average)
            for figure, one in zip(figures, by_playlist, strict=True)
        ]
    multivariants = int(presentation.multivariant is not None)
    return Report(target, multivariants, tuple(figures), tuple(_in_order(findings, presentation)), deep)


def _check_texts(presentation: Presentation) -> list[Finding]:
    """The rules for each playlist by itself, and what went wrong in loading."""
    found = list(presentation.findings)
    if presentation.multivariant:
        found += check_playlist(presentation.multivariant)
    for media in presentation.media:
        found += check_playlist(media.playlist)
    return found


def _check_segments(presentation: Presentation, fetcher: Fetcher) -> tuple[dict[str, Measured], list[Finding]]:
    multivariant = presentation.multivariant
    independent = multivariant is not None and "EXT-X-INDEPENDENT-SEGMENTS" in multivariant.tags
    measured: dict[str, Measured] = {}
    found: list[Finding] = []
    for media in presentation.media:
        check = SegmentCheck(media, fetcher, independent=independent)
        check.take(media)
        check.finish()
        measured[media.url] = check.measured
        found += check.findings
    return measured, found


def _in_order(findings: list[Finding], presentation: Presentation) -> list[Finding]:
    """By playlist as they were loaded, then by line."""
    playlists = [presentation.multivariant] if presentation.multivariant else []
    names = [playlist.name for playlist in (*playlists, *(media.playlist for media in presentation.media))]
    order = {name: index for index, name in enumerate(names)}
    return sorted(findings, key=lambda finding: (order[finding.playlist], finding.line or 0))
