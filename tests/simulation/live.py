"""What players of the channel's own live manifest see, held against the truth as it slides (O5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from livedvr.hls.rules import Level, check_media_playlist, check_multivariant
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment
from simulation.dates import parse_date
from simulation.playlists import MUX, Truth
from simulation.storage import Bucket
from simulation.world import World

LIST, MAIN, COUNT = f"{MUX}/index-1.m3u8", "main.m3u8", 5
_HEAD = re.compile(
    r"#EXTM3U\n#EXT-X-VERSION:[36]\n#EXT-X-TARGETDURATION:(\d+)\n#EXT-X-MEDIA-SEQUENCE:(\d+)\n"
    r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)\n"
)


@dataclass
class LivePlaylist:
    """The live playlist as it stands, and until when what has slid out of it has to stay."""

    world: World
    bucket: Bucket
    truth: Truth
    target: int = 0
    numbers: list[int] = field(default_factory=list)
    longest: int = 0
    kept_until: dict[int, int] = field(default_factory=dict)

    def replaced(self, name: str, data: bytes, *, thorough: bool) -> None:
        """An object that is no session's has been written."""
        check = self.world.check
        check("O5 the live manifest's names", name in (LIST, MAIN), lambda: name)
        if name == MAIN:
            check("O5 renditions first", self.bucket.has(LIST), lambda: "main.m3u8 comes before its playlist")
            findings = check_multivariant(data.decode(), name)
        else:
            self._read(data.decode())
            findings = check_media_playlist(data.decode(), name) if thorough else []
        found = [
            f for f in findings if f.level is Level.MUST and not ("exceeded" in f.rule_id and self.truth.announced)
        ]
        check("RFC 8216 live playlist", not found, lambda: f"{found[:3]}")

    def deleted(self, segment: Segment, *, early: bool) -> None:
        """Retention has deleted the segment's object."""
        number, now = segment.number, self.world.now
        self.world.check("O5 what is listed stays", number not in self.numbers, lambda: f"number {number} has gone")
        until = self.kept_until.pop(number, 0)
        self.world.check(
            "8216bis 6.2.2 what has slid out stays for a while",
            now >= until or early,
            lambda: f"{number}: {until - now} us early",
        )

    def check_settled(self) -> None:
        """Everything is at rest: the newest segment is listed."""
        newest = self.truth.segments[-1].number if self.truth.segments else None
        listed = self.numbers[-1] if self.numbers else None
        self.world.check("O5 the newest is listed", listed == newest, lambda: f"{listed}, newest is {newest}")

    def _read(self, text: str) -> None:
        check, head = self.world.check, _HEAD.match(text)
        check("O5 header", head is not None, lambda: text[:200])
        assert head is not None
        target, first, epoch = (int(value) for value in head.groups())
        check("6.2.1 the target duration stays", target == (self.target or target), lambda: f"{self.target} {target}")
        entries = text[head.end() :].removesuffix("\n").split("\n")
        numbers: list[int] = []
        tags: list[str] = []
        for line in entries:
            if line.startswith("#"):
                tags.append(line)
                continue
            segment = self.truth.by_name.get(line.removeprefix("../"))
            check("step 5 listed is committed", segment is not None, lambda line=line: line)
            assert segment is not None
            epoch += tags.count("#EXT-X-DISCONTINUITY")
            self._check_segment(segment, first + len(numbers), epoch, tags, not numbers)
            numbers.append(segment.number)
            tags = []
        self._check_ranges([line for line in entries if line.startswith("#EXT-X-DATERANGE:")], numbers)
        self._check_slide(target, numbers)
        self.target, self.numbers = target, numbers

    def _check_segment(self, segment: Segment, number: int, epoch: int, tags: list[str], first: bool) -> None:
        check, where = self.world.check, (segment, number, epoch, tags)
        name = segment_name(MUX, segment.run, segment.index, self.truth.container)
        check("O5 the timeline's numbers", segment.number == number, lambda: f"{where}")
        check("4.4.3.3 the timeline's epochs", segment.epoch == epoch, lambda: f"{where}")
        check("step 3 listed can be fetched", self.bucket.has(name), lambda: f"{where}")
        dates = [parse_date(tag.partition(":")[2]) for tag in tags if tag.startswith("#EXT-X-PROGRAM-DATE-TIME:")]
        check("P5 a date at each", len(dates) == 1 and abs(dates[0] - segment.start) <= 500, lambda: f"{where}")
        if self.truth.container == "fmp4" and (first or "#EXT-X-DISCONTINUITY" in tags):
            check("P4 MAP", f'#EXT-X-MAP:URI="../{init_name(MUX, segment.run)}"' in tags, lambda: f"{where}")
        duration = f"#EXTINF:{segment.duration // SECOND}.{segment.duration % SECOND:06d},"
        check("P3 EXTINF is the duration", duration in tags, lambda: f"{where}")

    def _check_ranges(self, lines: list[str], numbers: list[int]) -> None:
        """P9: the tags of the ranges that meet what is listed, in their order."""
        truth, first, last = self.truth, self.truth.segments[numbers[0]], numbers[-1]
        wanted = [tag for tag in truth.tags_at(-1, last) if not truth.is_over(tag, last, first.start)]
        told = [truth.tag_lines.get(line) for line in lines]
        self.world.check("P9 the live list tells what it meets", told == wanted, lambda: f"{told}\n{wanted}")

    def _check_slide(self, target: int, numbers: list[int]) -> None:
        check, now = self.world.check, self.world.now
        before, segments = self.numbers, self.truth.segments
        if before:
            check(
                "6.2.2 never back", numbers[0] >= before[0] and numbers[-1] >= before[-1], lambda: f"{before} {numbers}"
            )
        duration = sum(segments[number].duration for number in numbers)
        if numbers[0] > 0:
            enough = duration >= 3 * target * SECOND and len(numbers) >= COUNT
            check(
                "6.2.2 three target durations are left", enough, lambda: f"{numbers}: {duration} us, target {target} s"
            )
        for number in before:
            if number < numbers[0]:
                self.kept_until[number] = now + segments[number].duration + self.longest
        self.longest = max(self.longest, duration)
