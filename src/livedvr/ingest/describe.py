"""What a run's first segment says of it."""

from __future__ import annotations

import itertools

from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.media.reader import MediaSpan
from livedvr.resources.errors import SourceError
from livedvr.timeline.segment import ClosedSegment, RunMedia

WEBVTT = RunMedia((), None, None, "text webvtt")  # what a text rendition is


def longest_keyframe_distance(head: MediaSpan, closed: list[ClosedSegment]) -> int:
    """P3's measure while settling, microseconds: within the first segment, and from it to the next."""
    if head.reference.info.kind != "video":
        return 0
    edges = [*(time - CONTAINER_OFFSET for time in head.reference.keyframes), closed[0].media_end]
    return max(later - earlier for earlier, later in itertools.pairwise(edges))


def describe(span: MediaSpan, container: str) -> RunMedia:
    """What a run's media is; SourceError when players of HLS have no way to play it."""
    infos = [stream.info for stream in span.streams]
    for info in infos:
        if info.codec_string is None:
            raise SourceError(
                f"the source's {info.kind} is {info.codec}, which cannot go into {container} for HLS",
                field="SOURCE",
                hint="--video h264 encodes H.264 and AAC instead",
            )
    video = next((info for info in infos if info.kind == "video"), None)
    texts = [
        f"video {i.codec} {i.width}x{i.height}" + (f" {float(i.frame_rate):g} fps" if i.frame_rate else "")
        if i.kind == "video"
        else f"audio {i.codec} {i.sample_rate} Hz {i.channels} ch"
        for i in infos
    ]
    return RunMedia(
        codecs=tuple(i.codec_string for i in infos if i.codec_string),
        resolution=(video.width, video.height) if video and video.width and video.height else None,
        frame_rate=video.frame_rate if video else None,
        text=", ".join(texts),
        channels=next((info.channels for info in infos if info.kind == "audio"), None),
    )
