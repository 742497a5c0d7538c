"""One check from end to end."""

from __future__ import annotations

from livedvr.check.examination import Examination, Loaded
from livedvr.check.load import load
from livedvr.check.report import Report
from livedvr.fetch import Fetcher, address_of


def run_check(target: str, *, deep: bool) -> Report:
    """Check a presentation as it is now.

    Args:
        target: path, ``file:///`` or http(s) address of a multivariant or media playlist.
        deep: also open every segment.

    Raises:
        InvalidArgument: the target is of no kind that can be read here.
        SourceError: the target cannot be read, or is no HLS playlist. What it names, and cannot be read, is a finding.
    """
    address = address_of(target)
    fetcher = Fetcher(address)
    examination = Examination(target, fetcher, deep=deep)
    examination.take(Loaded(load(address, target, fetcher)))
    return examination.report()
