from __future__ import annotations

import stat
from pathlib import Path

import pytest

from builders import channel
from livedvr.ingest.gateway import Answer, GatewayInputs, load_secret, source_of
from livedvr.ingest.source import check_ports, parse_source
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, StorageError
from livedvr.resources.gateway import Gateway
from livedvr.resources.models import Channel, Input, SecurityRule

pytestmark = pytest.mark.semantics("I4")

KEY, OTHER = "correct-horse", "staple-tractor"
INPUTS = GatewayInputs(Gateway(rtmp="0.0.0.0:1935"), b"secret")


def fed(key: str = KEY, *allowed: str, port: str = ":1935", name: str = "live", app: str = "live") -> Channel:
    rule = SecurityRule(ip_ranges=allowed)
    return channel(channel_id=name, input=Input(uri=f"rtmp://{port}/{app}/{key}", security_rules=rule))


def stream(made: Channel, inputs: GatewayInputs = INPUTS) -> str:
    return dict(inputs.source(made, "primary").options)["rtmp_playpath"]


def test_an_input_on_the_gateway_s_port_is_pulled_and_waits_without_a_port_of_its_own() -> None:
    source = INPUTS.source(fed(), "primary")
    assert (source.kind, source.url) == ("rtmp", "rtmp://127.0.0.1:1935")
    assert source.listens and source.is_fed and source.address is None and source.stream_key is None
    options = dict(source.options)
    assert (options["rtmp_app"], options["rtmp_live"]) == ("live", "live")
    assert len(options["rtmp_playpath"]) == 64 and KEY not in repr(source)
    unsaid = channel(input=Input(uri=f"rtmp:///live/{KEY}"))
    assert INPUTS.source(unsaid, "primary") == source, "1935 is RTMP's own port"


def test_everything_else_is_what_it_is() -> None:
    for uri in (f"rtmp://:1936/live/{KEY}", "rtmp://127.0.0.1:1935/live/x", "srt://:1935", "testsrc"):
        made = channel(input=Input(uri=uri))
        assert INPUTS.source(made, "primary") == source_of(made, "primary", None) == parse_source(made.input)
    assert source_of(fed(), "primary", None) == parse_source(fed().input), "without a gateway it listens itself"
    assert source_of(fed(), "primary", INPUTS).is_fed


def test_the_gateway_has_one_app() -> None:
    with pytest.raises(InvalidArgument, match=r"SOURCE: .* use the app 'live' \(rtmp://:1935/live, or another port"):
        INPUTS.source(fed(app="studio"), "primary")


def test_a_stream_s_name_stays_and_changes_with_key_channel_input_and_secret() -> None:
    assert stream(fed()) == stream(fed(KEY, "192.0.2.0/24")) == stream(fed())
    both = channel(input=fed().input, backup_input=fed(OTHER).input)
    names = {
        stream(fed()), stream(fed(OTHER)), stream(fed(name="news")), stream(fed(), GatewayInputs(Gateway(), b"other")),
        dict(INPUTS.source(both, "backup").options)["rtmp_playpath"],
    }  # fmt: skip
    assert len(names) == 5


def test_who_shows_a_key_from_an_allowed_address_is_let_in() -> None:
    channels = [fed(), fed(OTHER, "192.0.2.0/24", name="news"), fed("elsewhere", port=":1936", name="own")]
    assert INPUTS.answer(channels, KEY, "198.51.100.1") == Answer(stream(channels[0]), "live")
    assert INPUTS.answer(channels, OTHER, "::ffff:192.0.2.7") == Answer(stream(channels[1]), "news")
    refused = INPUTS.answer(channels, OTHER, "198.51.100.1")
    assert refused == Answer(None, "news", "198.51.100.1 is not in the allow-list")
    for wrong in ("", "correct", KEY + "x", stream(channels[0]), "\u00e9", "elsewhere"):
        assert INPUTS.answer(channels, wrong, "192.0.2.7") == Answer()


def test_both_inputs_of_a_channel_may_share_the_gateway_s_port_but_no_key() -> None:
    both = channel(input=fed().input, backup_input=fed(OTHER).input)
    check_ports([INPUTS.source(both, key) for key in both.inputs])
    with pytest.raises(InvalidArgument, match="both inputs listen on one port"):
        check_ports([source_of(both, key, None) for key in both.inputs])
    INPUTS.check_keys(both, [both, fed("third", name="news")])
    for made, others, field in (
        (channel(input=fed().input, backup_input=fed().input), [], "input"),
        (both, [fed(OTHER, name="news")], "backupInput"),
    ):
        with pytest.raises(FailedPrecondition, match=f"{field}: another input of the gateway has") as refused:
            INPUTS.check_keys(made, others)
        assert KEY not in str(refused.value) and OTHER not in str(refused.value)
    INPUTS.check_keys(fed(), [fed(port=":1936", name="own")])
    assert INPUTS.answer([fed(), fed(name="news")], KEY, "192.0.2.7") == Answer(), "whose it is nobody can tell"


def test_the_secret_is_made_once_and_is_its_user_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.secret"
    path.with_name("gateway.secret.tmp").write_bytes(b"torn")
    made = load_secret(path)
    assert len(made) == 32 and load_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_secret(tmp_path / "other") != made
    with pytest.raises(StorageError, match="cannot keep the gateway's secret"):
        load_secret(path / "below a file")
