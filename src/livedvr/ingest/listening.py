"""Whether the port that a source waits on is open. Asked of the kernel: a visit would be a publisher's."""

from __future__ import annotations

from pathlib import Path

from livedvr.ingest.source import Source

_LISTENING, _BOUND = "0A", "07"  # the states of TCP and UDP sockets in /proc/net


def is_listened_on(source: Source) -> bool:
    """Whether somebody listens on its port, and True for a source that has none of its own."""
    if source.address is None:
        return True
    port, wanted = f":{source.address[1]:04X}", _LISTENING if source.transport == "tcp" else _BOUND
    for table in (f"/proc/net/{source.transport}", f"/proc/net/{source.transport}6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            if local.endswith(port) and state == wanted:
                return True
    return False
