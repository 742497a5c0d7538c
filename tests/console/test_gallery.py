from __future__ import annotations

import io
from pathlib import Path

import av

from builders import T0
from livedvr.console.gallery import A_MINUTE, AT_ONCE, Budget
from livedvr.console.pictures import jpeg, keyframe, side_by_side
from livedvr.resources.times import MINUTE

SIZE = (160, 90)
SEGMENTS = Path(__file__).parents[2] / "fixtures/fmp4/av/20261121T020000Z-k3f9"


def test_a_sprite_of_keyframes() -> None:
    files = [SEGMENTS / "init.mp4", SEGMENTS / "segment-000001.m4s"]
    frame = keyframe(files, SIZE)
    assert frame is not None and (frame.width, frame.height) == SIZE
    with av.open(io.BytesIO(jpeg(side_by_side([frame, None, frame], SIZE)))) as container:
        sprite = next(container.decode(video=0)).reformat(format="gray")
    assert (sprite.width, sprite.height) == (480, 90)
    row = bytes(sprite.planes[0])[45 * sprite.planes[0].line_size :]
    assert max(row[170:310]) < 40 < max(row[:150]), "the one in the middle is blank"
    assert sum(abs(a - b) for a, b in zip(row[10:150], row[330:470], strict=True)) / 140 < 4


def test_what_is_no_media_is_no_picture(tmp_path: Path) -> None:
    broken = tmp_path / "broken.m4s"
    broken.write_bytes(b"#EXTM3U\n/etc/passwd\n")
    assert keyframe([broken], SIZE) is None
    assert keyframe([tmp_path / "gone.m4s"], SIZE) is None


def test_so_many_keyframes_a_minute() -> None:
    budget, now = Budget(), T0
    assert [budget.wait(1, now) for _ in range(AT_ONCE)] == [0] * AT_ONCE
    waits = [budget.wait(1, now) for _ in range(A_MINUTE)]
    assert waits[0] > 0 and waits[-1] == MINUTE
    assert budget.wait(1, now + 3 * MINUTE) == 0
