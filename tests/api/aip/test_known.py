from __future__ import annotations

import pytest
from google.cloud.video.live_stream_v1 import types

from livedvr.api.aip.known import check_known
from livedvr.resources.errors import InvalidArgument

Create, Channel = types.CreateChannelRequest.pb(), types.Channel.pb()

NEWER = b"\xa0\x06\x01"  # field 100 is 1


def request():  # type: ignore[no-untyped-def]
    made = Create(parent="p")
    made.channel.labels["show"] = "news"
    made.channel.input_attachments.add(key="a")
    made.channel.log_config.log_severity = 200
    made.channel.streaming_error.details.add(type_url="of/whatever")
    made.channel.retention_config.retention_window_duration.seconds = 60
    return made


def test_what_the_types_have_passes() -> None:
    check_known(request())


def test_a_field_of_a_newer_client_is_refused_with_the_path() -> None:
    made = request()
    made.channel.input_attachments[0].MergeFromString(NEWER)
    with pytest.raises(InvalidArgument, match="field number 100 of InputAttachment is not known") as refused:
        check_known(made)
    assert refused.value.field == "channel.input_attachments[0]"


def test_a_number_that_the_enum_does_not_have_is_refused_with_the_path() -> None:
    made = request()
    made.channel.log_config.log_severity = 77
    with pytest.raises(
        InvalidArgument, match=r"77 is no LogSeverity \(one of LOG_SEVERITY_UNSPECIFIED, OFF"
    ) as refused:
        check_known(made)
    assert refused.value.field == "channel.log_config.log_severity"


@pytest.mark.parametrize(("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (315_576_000_001, 0), (5, -5), (1, 10**9)])
def test_a_duration_that_no_json_could_say_is_refused_with_the_path(seconds: int, nanos: int) -> None:
    made = request()
    duration = made.channel.retention_config.retention_window_duration
    duration.seconds, duration.nanos = seconds, nanos
    with pytest.raises(InvalidArgument, match="out of range") as refused:
        check_known(made)
    assert refused.value.field == "channel.retention_config.retention_window_duration"


@pytest.mark.parametrize(("seconds", "nanos"), [(253_402_300_800, 0), (-62_135_596_801, 0), (2**62, 0), (1, -1)])
def test_a_time_that_no_json_could_say_is_refused_with_the_path(seconds: int, nanos: int) -> None:
    made = types.CreateDvrSessionRequest.pb()()
    time = made.dvr_session.dvr_windows.add().time_interval.end_time
    time.seconds, time.nanos = seconds, nanos
    with pytest.raises(InvalidArgument, match="out of range") as refused:
        check_known(made)
    assert refused.value.field == "dvr_session.dvr_windows[0].time_interval.end_time"


def test_a_path_has_no_underscore_that_is_pythons() -> None:
    made = types.CreateInputRequest.pb()(input={"type_": 77})
    with pytest.raises(InvalidArgument) as refused:
        check_known(made)
    assert refused.value.field == "input.type"
