from __future__ import annotations

from datetime import timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from livedvr.api.watch.metrics import ChannelCollector, ChannelNow
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.resources.figures import ChannelFigures
from livedvr.resources.times import SECOND

STREAMING = ChannelNow(
    "live",
    StreamingState.STREAMING,
    {"LIVE": 2},
    ChannelFigures(
        segments=4,
        segments_ever=10,
        size_bytes=400,
        taken_bytes=1000,
        waiting_bytes=50,
        lag=timedelta(seconds=1.5),
        clock_error=timedelta(seconds=-0.25),
        drift_ppm=3.5,
        gaps=2,
        gap_duration=timedelta(seconds=7),
        runs=3,
    ),
    {"RECORDING": 1, "SUCCEEDED": 4},
    notifications=2,
)
IDLE = ChannelNow("idle", StreamingState.STOPPED, {})


def samples(collector: ChannelCollector) -> dict[str, float]:
    """What a scrape reads, ``name label label`` -> number."""
    registry = CollectorRegistry()
    registry.register(collector)
    text = generate_latest(registry).decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_how_channels_are() -> None:
    seen = samples(ChannelCollector(lambda: [IDLE, STREAMING]))
    states = {name for name, value in seen.items() if name.startswith("livedvr_channel_state") and value == 1}
    assert states == {"livedvr_channel_state live STREAMING", "livedvr_channel_state idle STOPPED"}
    assert {name: value for name, value in seen.items() if not name.startswith("livedvr_channel_state")} == {
        "livedvr_segments_total live": 10,
        "livedvr_bytes_total live": 1000,
        "livedvr_gaps_total live": 2,
        "livedvr_gap_seconds_total live": 7,
        "livedvr_runs_total live": 3,
        "livedvr_kept_segments live": 4,
        "livedvr_kept_bytes live": 400,
        "livedvr_upload_backlog_bytes live": 50,
        "livedvr_lag_seconds live": 1.5,
        "livedvr_clock_error_seconds live": -0.25,
        "livedvr_clock_drift_ppm live": 3.5,
        "livedvr_sessions live LIVE": 2,
        "livedvr_recordings live RECORDING": 1,
        "livedvr_recordings live SUCCEEDED": 4,
        "livedvr_notifications_waiting live": 2,
        "livedvr_notifications_waiting idle": 0,
    }


def test_the_publish_delay_is_a_histogram() -> None:
    collector = ChannelCollector(lambda: [STREAMING])
    for delay in (9_000, 10_000, 40_000, 20 * SECOND):
        collector.published("live", delay)
    seen = samples(collector)
    assert seen["livedvr_publish_delay_seconds_bucket live 0.01"] == 2
    assert seen["livedvr_publish_delay_seconds_bucket live 0.05"] == 3
    assert seen["livedvr_publish_delay_seconds_bucket live 10.0"] == 3
    assert seen["livedvr_publish_delay_seconds_bucket live +Inf"] == 4
    assert seen["livedvr_publish_delay_seconds_count live"] == 4
    assert seen["livedvr_publish_delay_seconds_sum live"] == 20.059


def test_a_channel_that_is_gone_is_forgotten() -> None:
    channels = [STREAMING]
    collector = ChannelCollector(lambda: channels)
    collector.published("live", 1)
    channels.clear()
    assert not any("live " in name for name in samples(collector))
    channels.append(STREAMING)
    assert "livedvr_publish_delay_seconds_count live" not in samples(collector)
