"""The AAC configuration of init segments that ffmpeg wrote before it had seen a frame."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from livedvr.media.audio_config import audio_specific_config, complete_init, with_audio_config

INIT = Path(__file__).parents[2] / "fixtures/fmp4/av/20261121T020000Z-k3f9/init.mp4"
CONFIG = bytes.fromhex("1308")  # AAC LC, 24 kHz, mono
ADDED = b"\x05\x80\x80\x80\x02" + CONFIG


def without_config() -> bytes:
    """The fixture's init segment as ffmpeg wrote it: every box that holds the configuration is so much shorter."""
    data = INIT.read_bytes().replace(ADDED, b"")
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4a", b"esds"):
        at = data.rfind(name) - 4
        data = data[:at] + (int.from_bytes(data[at : at + 4], "big") - len(ADDED)).to_bytes(4, "big") + data[at + 4 :]
    esds = bytearray(data)
    at = data.index(b"esds") - 4
    esds[at + 16] -= len(ADDED)
    esds[at + 24] -= len(ADDED)
    esds[data.index(b"mp4a") + 21] = 2  # ffmpeg guesses stereo
    return bytes(esds)


@pytest.mark.parametrize(
    ("header", "config"),
    [
        ("fff15840017ffc", "1308"),  # MPEG-4, LC, 24 kHz, mono, no CRC
        ("fff94c80017ffc", "1190"),  # MPEG-2, LC, 48 kHz, stereo
        ("fff05080017ffc", "1210"),  # with CRC, 44.1 kHz, stereo
        ("fff15980017ffc", "1330"),  # 5.1 channels
    ],
)
def test_an_adts_header_is_told_in_two_bytes(header: str, config: str) -> None:
    assert audio_specific_config(bytes.fromhex(header)) == bytes.fromhex(config)


@pytest.mark.parametrize("frame", ["", "fff1", "210049900219", "fff15800017ffc", "fff17c80017ffc", "0b770000000000"])
def test_what_is_no_adts_frame_or_cannot_be_told_says_nothing(frame: str) -> None:
    assert audio_specific_config(bytes.fromhex(frame)) is None


def test_the_configuration_is_put_where_a_player_looks(tmp_path: Path) -> None:
    bare = without_config()
    (tmp_path / "bare.mp4").write_bytes(bare)
    with av.open(str(tmp_path / "bare.mp4")) as container:
        assert not container.streams.audio[0].codec_context.extradata
    whole = with_audio_config(bare, CONFIG)
    assert whole == INIT.read_bytes(), "to the byte, with the channels as they are"
    (tmp_path / "whole.mp4").write_bytes(whole)
    with av.open(str(tmp_path / "whole.mp4")) as container:
        assert container.streams.audio[0].codec_context.extradata == CONFIG
        assert container.streams.audio[0].channels == 1


def test_an_init_segment_that_has_one_is_left_alone() -> None:
    whole = INIT.read_bytes()
    assert with_audio_config(whole, bytes.fromhex("1190")) == whole


def test_without_a_head_nothing_happens(tmp_path: Path) -> None:
    init = tmp_path / "init.mp4"
    init.write_bytes(without_config())
    complete_init(init, tmp_path / "none.nut")
    (tmp_path / "garbage.nut").write_bytes(b"not a container")
    complete_init(init, tmp_path / "garbage.nut")
    assert init.read_bytes() == without_config()
