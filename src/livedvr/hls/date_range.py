"""EXT-X-DATERANGE as a line (RFC 8216bis 4.4.5.1, and 4.4.5.1.2 for SCTE-35). Pure text."""

from __future__ import annotations

from livedvr.hls.attributes import format_attributes, quoted
from livedvr.resources.times import format_time
from livedvr.timeline.ranges import RangeTag


def date_range_line(tag: RangeTag) -> str:
    """One tag. ID and START-DATE stand in each of a range's, with the same values; what its end is, in the last."""
    values = {"ID": quoted(tag.id), "START-DATE": quoted(format_time(tag.start))}
    if tag.end is not None:
        # In whole milliseconds, as the dates: END-DATE is START-DATE plus DURATION to the digit.
        values |= {"END-DATE": quoted(format_time(tag.end)), "DURATION": _seconds(tag.end - tag.start)}
    if tag.planned is not None:
        values["PLANNED-DURATION"] = _seconds(tag.planned)
    if tag.carrier is not None:
        values[tag.carrier] = f"0x{tag.section.hex().upper()}"
    return f"#EXT-X-DATERANGE:{format_attributes(values)}"


def _seconds(micros: int) -> str:
    return f"{micros // 1_000_000}.{micros // 1000 % 1000:03d}"
