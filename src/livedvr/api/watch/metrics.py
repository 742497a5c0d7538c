"""What Prometheus reads of the channels. One label a channel, which goes with it."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livedvr.app import LiveDvr
from livedvr.catalog import figure_rows
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.resources.figures import ChannelFigures
from livedvr.resources.times import SECOND

DELAYS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


_Number = Callable[[ChannelFigures], float | None]
_COUNTERS: tuple[tuple[str, str, _Number], ...] = (
    ("livedvr_segments", "Segments there have ever been, of all renditions.", lambda one: one.segments_ever),
    ("livedvr_bytes", "What has come since the server took the channel.", lambda one: one.taken_bytes),
    ("livedvr_gaps", "Holes in the timeline.", lambda one: one.gaps),
    ("livedvr_gap_seconds", "Stream time without media.", lambda one: one.gap_duration.total_seconds()),
    ("livedvr_runs", "Starts of ffmpeg since the channel's.", lambda one: one.runs),
)
_GAUGES: tuple[tuple[str, str, _Number], ...] = (
    ("livedvr_kept_segments", "Segments that are kept, of all renditions.", lambda one: one.segments),
    ("livedvr_kept_bytes", "Bytes of these.", lambda one: one.size_bytes),
    ("livedvr_upload_backlog_bytes", "Recorded and not in the store yet.", lambda one: one.waiting_bytes),
    ("livedvr_lag_seconds", "From the end of the timeline to now.", lambda one: _seconds(one.lag)),
    (
        "livedvr_clock_error_seconds",
        "By how much media comes later than it is dated.",
        lambda one: _seconds(one.clock_error),
    ),
    ("livedvr_clock_drift_ppm", "How fast dates are bent towards arrival.", lambda one: one.drift_ppm),
)


@dataclass(frozen=True, slots=True)
class ChannelNow:
    """A channel as it is. ``figures``: None when nobody has looked at it yet.

    ``sessions`` and ``recordings``: how many by state; ``notifications``: how many have not been taken.
    """

    channel: str
    state: StreamingState
    sessions: Mapping[str, int]
    figures: ChannelFigures | None = None
    recordings: Mapping[str, int] = field(default_factory=dict)
    notifications: int = 0


def look_at_channels(dvr: LiveDvr) -> list[ChannelNow]:
    """All channels by id; none is opened for it."""
    sessions = _by_channel(dvr.catalog.read(figure_rows.sessions_by_state))
    recordings = _by_channel(dvr.catalog.read(figure_rows.recordings_by_state))
    waiting = dvr.catalog.read(figure_rows.notifications_waiting)
    at_work = {runtime.channel.channel_id: runtime for runtime in dvr.at_work()}
    seen = []
    for channel in (stored.channel_id for stored in dvr.stored_channels()):
        runtime = at_work.get(channel)
        state, figures = (runtime.state, runtime.figures()) if runtime else (StreamingState.STOPPED, None)
        seen.append(
            ChannelNow(channel, state, sessions[channel], figures, recordings[channel], waiting.get(channel, 0))
        )
    return seen


def _by_channel(counts: Mapping[tuple[str, str], int]) -> defaultdict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (channel, state), count in counts.items():
        found[channel][state] = count
    return found


@dataclass(slots=True)
class _Delays:
    """Of one channel. ``buckets``: the last is what is longer than all; ``total``: microseconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(DELAYS) + 1))
    total: int = 0


class ChannelCollector(Collector):
    """Reads the channels when Prometheus asks. ``look``: how they are now."""

    def __init__(self, look: Callable[[], Iterable[ChannelNow]]) -> None:
        self._look = look
        self._delays: defaultdict[str, _Delays] = defaultdict(_Delays)

    def published(self, channel: str, delay: int) -> None:
        """`LiveDvr`'s ``on_published``: costs an addition."""
        delays = self._delays[channel]
        delays.buckets[bisect.bisect_left(DELAYS, delay / SECOND)] += 1
        delays.total += delay

    def collect(self) -> Iterator[Metric]:
        """All families of all channels."""
        channels = list(self._look())
        for gone in self._delays.keys() - {one.channel for one in channels}:
            del self._delays[gone]
        for kind, table in ((CounterMetricFamily, _COUNTERS), (GaugeMetricFamily, _GAUGES)):
            for name, text, number in table:
                family = kind(name, text, labels=["channel"])
                for one in channels:
                    if one.figures is not None and (value := number(one.figures)) is not None:
                        family.add_metric([one.channel], value)
                yield family
        yield from _states(channels)
        yield self._histogram()

    def _histogram(self) -> Metric:
        text = "From a segment's closing to a session's playlist."
        family = HistogramMetricFamily("livedvr_publish_delay_seconds", text, labels=["channel"])
        for channel, delays in self._delays.items():
            so_far, buckets = 0, []
            for bound, count in zip((*map(str, DELAYS), "+Inf"), delays.buckets, strict=True):
                so_far += count
                buckets.append((bound, float(so_far)))
            family.add_metric([channel], buckets, delays.total / SECOND)
        return family


def _states(channels: Iterable[ChannelNow]) -> Iterator[Metric]:
    labels = ["channel", "state"]
    state = GaugeMetricFamily("livedvr_channel_state", "1 for what it is doing.", labels=labels)
    sessions = GaugeMetricFamily("livedvr_sessions", "DVR sessions.", labels=labels)
    recordings = GaugeMetricFamily("livedvr_recordings", "Recordings.", labels=labels)
    waiting = GaugeMetricFamily("livedvr_notifications_waiting", "Not taken by whom they tell.", labels=["channel"])
    for one in channels:
        for known in StreamingState:
            state.add_metric([one.channel, known.value], one.state == known)
        for name, count in one.sessions.items():
            sessions.add_metric([one.channel, name], count)
        for name, count in one.recordings.items():
            recordings.add_metric([one.channel, name], count)
        waiting.add_metric([one.channel], one.notifications)
    yield from (state, sessions, recordings, waiting)


def metrics_route(registry: CollectorRegistry) -> Route:
    """``GET /metrics``."""

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics, name="Metrics")
