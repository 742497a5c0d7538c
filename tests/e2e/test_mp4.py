"""MP4s of kept segments by a real ffmpeg: every picture decodes, sound and pictures stay together (SEMANTICS W5)."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from builders import window
from livedvr.clips.mp4 import Made, Mp4Maker
from livedvr.clips.pieces import plan_pieces
from livedvr.resources.models import Channel
from livedvr.timeline.timeline import ChannelTimeline
from offline import clip_with_pips, cut_offline, decoding_errors, flashes, packet_times, pips

pytestmark = pytest.mark.e2e

X264 = "-c:v libx264 -preset veryfast -g 50 -x264-params scenecut=0:"
X265 = "-c:v libx265 -preset ultrafast -tag:v hvc1 -g 50 -x265-params log-level=error:scenecut=0:open-gop=0"
FRAME, TOGETHER = 0.040, 0.050
SOURCES = {
    "b-frames": (X264 + "bframes=3:b-pyramid=normal", "fmp4", False, "EDGES"),
    "ts-apart": (X264 + "bframes=2:b-pyramid=none", "ts", True, "EDGES"),
    "baseline": (X264 + "bframes=0 -profile:v baseline", "fmp4", True, "EDGES"),
    "open-gop": (X264 + "bframes=3:open-gop=1:keyint=50:min-keyint=50", "fmp4", False, "ALL"),
    "h265": (X265, "fmp4", False, "ALL"),
}


async def made_of(
    folder: Path, channel: Channel, known: ChannelTimeline, *windows: tuple[float, float], exact: bool
) -> Made:
    await asyncio.to_thread(folder.mkdir)
    pieces = plan_pieces(channel, "main", [window(*one) for one in windows], known, exact=exact)
    told: list[float] = []
    root = Path(channel.output.uri)
    made = await Mp4Maker(channel, root, folder, told.append).make(pieces)
    assert told == sorted(told) and told[0] >= 0 and 0.95 < told[-1] <= 1
    return made


def check_whole(ffmpeg: str, path: Path, pictures: int) -> None:
    """Nothing is wrong with it, and what is shown and heard at whole seconds of the source is so together."""
    assert decoding_errors(ffmpeg, path) == ""
    times = packet_times(path)
    assert len(times) == pictures
    assert all(a[0] < b[0] for a, b in itertools.pairwise(times)), "decoding times rise"
    shown = sorted(pts for _, pts in times)
    assert len({b - a for a, b in itertools.pairwise(shown)}) == 1, "each picture is shown once, in its time"
    seen, heard = flashes(path), pips(path)
    assert len(seen) >= 3 and len(seen) == len(heard)
    assert [b - a for a, b in zip(seen, heard, strict=True)] == pytest.approx([0] * len(seen), abs=TOGETHER)


@pytest.mark.semantics("W5")
@pytest.mark.parametrize("source", ["b-frames", "ts-apart"])
async def test_an_mp4_of_whole_segments_and_one_that_is_cut_to_the_frame(
    ffmpeg: str, tmp_path: Path, source: str
) -> None:
    await cut_twice(ffmpeg, tmp_path, source)


@pytest.mark.parametrize("source", ["baseline", "open-gop", "h265"])
async def test_the_edges_alone_are_encoded_anew_or_all_where_x264_cannot_fit_in(
    wheel_ffmpeg: str, tmp_path: Path, source: str
) -> None:
    await cut_twice(wheel_ffmpeg, tmp_path, source)


async def cut_twice(ffmpeg: str, tmp_path: Path, source: str) -> None:
    encoder, container, apart, encoded = SOURCES[source]
    clip_with_pips(ffmpeg, tmp_path / "clip.mp4", *encoder.split())
    # A folder's name may hold anything.
    channel, known = cut_offline(ffmpeg, tmp_path / "clip.mp4", tmp_path / "o'ut #1?", container, apart=apart)

    whole = await made_of(tmp_path / "whole", channel, known, (0, 5) if source == "open-gop" else (2.5, 7), exact=False)
    assert whole.encoded == "NOTHING"
    check_whole(ffmpeg, whole.path, 150)

    exact = await made_of(tmp_path / "exact", channel, known, (0.73, 6.33), exact=True)
    assert exact.encoded == encoded
    check_whole(ffmpeg, exact.path, 140)
    first = min(pts for _, pts in packet_times(exact.path)) / 90_000
    assert flashes(exact.path)[0] - first == pytest.approx(1 - 0.73, abs=FRAME)
    assert pips(exact.path)[0] - first == pytest.approx(1 - 0.73, abs=FRAME + TOGETHER)


async def test_slices_are_joined_and_each_stays_in_step(wheel_ffmpeg: str, tmp_path: Path) -> None:
    clip_with_pips(wheel_ffmpeg, tmp_path / "clip.mp4", *(X264 + "bframes=3:b-pyramid=normal").split())
    channel, known = cut_offline(wheel_ffmpeg, tmp_path / "clip.mp4", tmp_path / "out", "fmp4", apart=False)
    made = await made_of(tmp_path / "made", channel, known, (0.5, 1.5), (2.5, 3.5), (4.5, 7.5), exact=True)
    assert made.encoded == "EDGES" and made.duration / 1e6 == pytest.approx(5, abs=0.2)
    assert decoding_errors(wheel_ffmpeg, made.path) == ""
    assert len(packet_times(made.path)) == 25 * 5
    seen, heard = flashes(made.path), pips(made.path)
    assert seen == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5], abs=0.2)
    assert heard == pytest.approx(seen, abs=TOGETHER)
