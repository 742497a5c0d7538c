"""Somebody's HLS: an encoder that writes a live playlist."""

from __future__ import annotations

from pathlib import Path

from live import Encoder, until


def live_playlist(folder: Path, *, size: int = 0, dates: bool = True, seconds: int = 2) -> Encoder:
    """An encoder that writes ``live.m3u8`` into the folder; all segments stay listed unless ``size`` says how many.

    One that an earlier encoder has left is gone on with.
    """
    flags = "temp_file+program_date_time" if dates else "temp_file+omit_endlist"
    if (folder / "live.m3u8").exists():
        flags += "+append_list"
    mux = ("-f", "hls", "-hls_time", str(seconds), "-hls_list_size", str(size), "-hls_flags", flags)
    return Encoder(str(folder / "live.m3u8"), mux=(*mux, "-hls_segment_filename", str(folder / "seg%05d.ts")))


def listed(folder: Path, at_least: int) -> None:
    """Return when the source lists that many segments."""
    playlist = folder / "live.m3u8"
    until(lambda: playlist.exists() and playlist.read_text().count("#EXTINF") >= at_least, f"{at_least} segments")
