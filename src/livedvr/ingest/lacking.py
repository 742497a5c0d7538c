"""What a run ended for want of, as ffmpeg's log tells, and how the next one does without it (SEMANTICS P7). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livedvr.ingest import log
from livedvr.ingest.command import Cut, stream_specifiers


def without(cut: Cut, lines: Sequence[str]) -> tuple[Cut, list[str], str] | None:
    """The cut of the next run, and what is to be said of which renditions; None when something else ended this one.

    The renditions that cannot be made of the source are left out of it. Texts that have captions to go on with go on
    with them, pictures without their sound.
    """
    lack = _lack(lines)
    if lack is not None:
        stream, why = lack
        carriers = [mux for mux in cut.muxes if stream in stream_specifiers(cut.channel, mux)]
        texts = {mux.key: cut.channel.text_of(mux) for mux in carriers}
        affected = [mux.key for mux in carriers if (text := texts[mux.key]) is None or text.input_cea_channel is None]
        silent = {mux.key for mux in carriers if stream.startswith("a:") and cut.channel.video_of(mux)}
        gone = [key for key in affected if key not in silent]
        return _left(replace(cut, lacking=cut.lacking | {stream}), gone), affected, why
    refused = log.refused_rendition(lines)
    if refused is None or refused[0] == cut.channel.reference.key:
        return None
    return _left(cut, [refused[0]]), [refused[0]], f"its stream does not go into its container: {refused[1]}"


def _left(cut: Cut, gone: Sequence[str]) -> Cut:
    return replace(cut, muxes=tuple(mux for mux in cut.muxes if mux.key not in gone))


def _lack(lines: Sequence[str]) -> tuple[str, str] | None:
    """The stream that is not there, or of no use, as ffmpeg names it; and what is to be said of it."""
    missing = log.missing_stream(lines)
    if missing is not None:
        return missing, f"the source has no stream '{missing}'"
    bitmap = log.bitmap_subtitle(lines)
    if bitmap is None:
        return None
    specifier, codec = bitmap
    advice = "name a track of text, or CEA-608 captions"
    if codec == "dvb_teletext":
        return specifier, f"the source's '{specifier}' is teletext, which is not taken: {advice}"
    return specifier, f"the source's '{specifier}' is {codec}, pictures of text: {advice}"
