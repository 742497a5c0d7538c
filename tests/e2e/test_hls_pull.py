"""HLS of somebody else as a source: its dates, its end (SEMANTICS I1, C5)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hls_source import listed, live_playlist
from live import burnt_clock, burnt_clocks, lines, media_playlist, record
from livedvr.check.run import run_check
from web_server import WebServer

pytestmark = pytest.mark.e2e

SHORT = ("--session", "demo", "--target-duration", "2")


@pytest.mark.semantics("I1", "C5", "W2", "P5")
def test_the_source_s_dates_win_when_the_channel_says_so(ffmpeg: str, tmp_path: Path) -> None:
    container = "fmp4" if "imageio_ffmpeg" in ffmpeg else "ts"
    folder, output = tmp_path / "source", tmp_path / "out"
    folder.mkdir()
    hour = timedelta(hours=1)
    with live_playlist(folder), WebServer(folder, shift=-hour) as server:
        listed(folder, 3)
        code, result, err = record(
            f"{server.url}/live.m3u8", output, *SHORT, "--source-dates", "--duration", "7s", "--container", container
        )
    assert (code, result.get("state"), result.get("gaps")) == (0, "FINISHED", []), err + str(result)
    assert run_check(result["output_uri"], deep=True).ok
    dates = {burnt: one.date + at for one in lines(folder / "live.m3u8") for at, burnt in burnt_clocks(one)}
    ours = lines(media_playlist(output))
    assert len(ours) >= 4
    errors = [line.date + hour.total_seconds() - dates[burnt_clock(line)] for line in ours]
    assert all(abs(error) < 0.05 for error in errors), errors


@pytest.mark.semantics("I1", "C5")
def test_a_playlist_that_has_ended_is_played_as_a_file_and_without_dates_arrival_counts(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    folder, output = tmp_path / "source", tmp_path / "out"
    folder.mkdir()
    with live_playlist(folder, dates=False):
        listed(folder, 3)
    playlist = folder / "live.m3u8"
    count = playlist.read_text().count("#EXTINF")
    playlist.write_text(playlist.read_text() + "#EXT-X-ENDLIST\n")
    with WebServer(folder) as server:
        code, result, err = record(f"{server.url}/live.m3u8?token=horse", output, *SHORT, "--source-dates")
    assert (code, result["state"], result["segments"]) == (0, "FINISHED", count), err
    assert f"SOURCE_WITHOUT_DATES: {server.url}/live.m3u8 has no dates" in err
    assert "horse" not in err + str(result)
    assert run_check(result["output_uri"], deep=True).ok
