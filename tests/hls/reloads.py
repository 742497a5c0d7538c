"""Two versions of a playlist for each rule of rules_reload: a pair that breaks it, and a pair that comes near."""

from __future__ import annotations

from hls.broken_playlists import DATE, A, B, C

D = ("#EXTINF:2.0,", "d.ts")
E = ("#EXTINF:2.0,", "e.ts")
CUT = "#EXT-X-DISCONTINUITY"
END = "#EXT-X-ENDLIST"


def dated(seconds: str) -> str:
    return f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:{seconds}Z"


def event(*body: str, kind: str = "EVENT", target: int = 2) -> str:
    """Lines 1 to 3 are the header, the body begins at line 4."""
    return "\n".join(["#EXTM3U", f"#EXT-X-TARGETDURATION:{target}", f"#EXT-X-PLAYLIST-TYPE:{kind}", *body, ""])


def live(number: int, *body: str, cuts: int = 0, target: int = 2) -> str:
    """As `event`; a playlist that may slide, with `number` of its first segment and `cuts` before it."""
    head = f"#EXT-X-MEDIA-SEQUENCE:{number}", f"#EXT-X-DISCONTINUITY-SEQUENCE:{cuts}"
    return "\n".join(["#EXTM3U", f"#EXT-X-TARGETDURATION:{target}", *head, *body, ""])


Pair = tuple[str, str]
KEY = '#EXT-X-KEY:METHOD=AES-128,URI="k1"'
MAP = '#EXT-X-MAP:URI="i1"'
PART = '#EXT-X-PART:DURATION=0.5,URI="p"'
RANGE = '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-21T14:00:00Z"'
ENDED = '#EXT-X-DATERANGE:ID="a",DURATION=9'

# rule id -> pairs that break it, with the line of the finding
BROKEN: dict[str, list[tuple[str, str, int | None]]] = {
    "playlist-type-changed": [
        (event(*A), event(*A, END, kind="VOD"), 3),
        (event(*A), "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\na.ts\n", None),
        (live(0, *A), live(0, "#EXT-X-PLAYLIST-TYPE:EVENT", *A), 5),
    ],
    "targetduration-changed": [
        (event(*A), event(*A, *B, target=3), 2),
        (live(0, *A, *B, *C), live(1, *B, *C, *D, target=3), 2),
    ],
    "event-rewritten": [
        (event(*A, *B), event(*A, "#EXTINF:2.1,", "b.ts", *C), 6),
        (event(*A, *B), event(*A), None),
        (event(*A, *B), event(*B, *C), 5),
        (event(*A, *B), event(*A, CUT, *B), 6),
        (event(*A), event("#EXT-X-MEDIA-SEQUENCE:0", *A), 4),
        (event("# a comment", *A), event("# another", *A), 4),
        (event(*A).removesuffix("\n"), event(*A).removesuffix("\n") + "?x\n", 5),
    ],
    "changed-after-end": [
        (event(*A, END), event(*A, END, *B), 7),
        (event(*A, END), event(*A), None),
        (event(*A, *B, END), event("#EXTINF:2.1,", "a.ts", *B, END), 4),
        (event(*A, END, kind="VOD"), event(*A, *B, END, kind="VOD"), 6),
        (live(0, *A, END), live(0, *A), None),
        (live(0, *A, END), live(0, *A, *B, END), 8),
        (live(0, *A, END), live(7, END), None),
    ],
    "media-sequence-backwards": [
        (live(5, *A, *B, *C), live(4, *A, *B, *C), 3),
        (live(5, *A, *B, *C), "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nx.ts\n", None),
    ],
    "segment-changed": [
        (live(5, *A, *B, *C), live(5, *A, *C, *D), 8),  # one went from the middle
        (live(5, *A, *B, *C, *D), live(5, *B, *C, *D, *E), 6),  # nobody counted the one that went
        (live(5, *A), live(5, "#EXTINF:2.01,", "a.ts"), 6),
        (live(5, DATE, *A), live(5, dated("00.001"), *A), 7),
        (live(5, KEY, *A), live(5, KEY.replace("k1", "k2"), *A), 7),
        (live(5, MAP, *A, *B, *C, *D), live(6, *B, *C, *D), 6),  # the map went with the segment it stood at
        (live(5, MAP, *A), live(5, MAP.replace("i1", "i2"), *A), 7),
        (live(5, *A), live(5, "#EXT-X-GAP", *A), 7),
        (live(5, "#EXT-X-BYTERANGE:9@0", *A), live(5, "#EXT-X-BYTERANGE:9@1", *A), 7),
    ],
    "segment-vanished": [(live(5, *A, *B), live(5, *A), None), (live(5, *A, *B), live(6), None)],
    "discontinuity-sequence-wrong": [
        (live(5, *A, CUT, *B, *C, *D), live(7, *C, *D, *E), 6),  # it slid out and was not counted
        (live(5, *A, *B, *C, *D), live(6, *B, *C, *D, cuts=1), 6),  # counted, and none slid out
        (live(5, *A, *B), live(5, *A, CUT, *B), 9),
        (live(5, CUT, *A, *B), live(5, CUT, *A, *B, cuts=1), 7),
        (live(5, *A, cuts=3), live(8, *D, cuts=2), None),
    ],
    "removed-too-early": [
        (live(5, *A, *B, *C), live(6, *B, *C), None),
        (live(5, *A, *B, *C), live(6, *B, *C, "#EXTINF:1.9,", "d.ts"), None),
        (live(5, *A, *B), live(9), None),
    ],
    "segments-missed": [(live(5, *A, *B, *C), live(9, *A, *B, *C), None)],
    "daterange-changed": [
        (live(5, DATE, RANGE, *A), live(5, DATE, RANGE.replace("00Z", "01Z"), *A), 6),
        (live(5, DATE, RANGE, ENDED, *A), live(5, DATE, RANGE, ENDED.replace("=9", "=8"), *A), 6),
    ],
    "date-inexact": [
        (event(DATE, *A), event(DATE, *A, dated("02.003"), *B), 9),
        (event(DATE, *A), event(DATE, *A, dated("01.997"), *B), 9),
        (live(5, DATE, *A, *B, *C, *D), live(6, dated("02.003"), *B, *C, *D), 7),  # it extrapolated to 02.000
        (live(5, DATE, *A), live(6, dated("03"), *B, *C, *D), 7),
    ],
}

# rule id -> pairs that do not break it, nor any other
KEPT: dict[str, list[Pair]] = {
    "playlist-type-changed": [(event(*A), event(*A, *B, END)), (live(0, *A), live(0, *A, *B))],
    "targetduration-changed": [(event(*A), event(*A, *B))],
    "event-rewritten": [
        (event(*A), event(*A)),
        (event(*A), event(*A, CUT, DATE, *B, END)),
        (event(*A), event(END, *A)),  # it may stand anywhere
        (event(*A), event(*A).removesuffix("\n") + "\n\n"),
        (event(RANGE, *A, PART), event(*A, *B)),  # both may go again
        (event(*A, *B), event("#EXT-X-SKIP:SKIPPED-SEGMENTS=1", *B, *C)),
    ],
    "changed-after-end": [
        (event(*A, END), event(*A, END)),
        (live(5, *A, *B, END), live(6, *B, END)),  # to remove is not forbidden
        (event(*A, END, kind="VOD"), event(*A, END, kind="VOD")),
    ],
    "media-sequence-backwards": [(live(5, *A, *B, *C, *D), live(6, *B, *C, *D))],
    "segment-changed": [
        (live(5, MAP, KEY, DATE, *A, *B, *C, *D), live(6, KEY, MAP, dated("02"), *B, *C, *D)),
        (live(5, "#EXTINF:2.0,one", "a.ts"), live(5, "#EXTINF:2.000,one", "a.ts")),
        (live(5, DATE, *A, dated("02"), *B), live(5, DATE, *A, *B)),  # what a client extrapolates is the same
        (
            live(5, "#EXT-X-BYTERANGE:9@0", *A, "#EXT-X-BYTERANGE:9", *A, *B, *C, *D),
            live(6, "#EXT-X-BYTERANGE:9", *A, *B, *C, *D),
        ),
    ],
    "segment-vanished": [(live(5, *A, *B), live(5, *A, *B, *C))],
    "discontinuity-sequence-wrong": [
        (live(5, CUT, *A, *B, *C, *D), live(6, *B, *C, *D, cuts=1)),
        (live(5, *A, CUT, *B, *C, *D), live(6, CUT, *B, *C, *D)),
        (live(5, *A, CUT, *B, *C, *D), live(6, *B, *C, *D, cuts=1)),  # it goes with the segment before
        (live(5, *A, CUT, *B, *C), live(5, "#EXT-X-SKIP:SKIPPED-SEGMENTS=2", *C, *D)),
    ],
    "removed-too-early": [
        (live(5, *A, *B, *C), live(6, *B, *C, *D)),
        (live(5, *A, *B, *C), live(6, *B, *C, END)),
        (live(5, *A, *B), live(5, *A, *B)),
    ],
    "segments-missed": [(live(5, *A, *B, *C), live(8, *A, *B, *C))],
    "daterange-changed": [
        (live(5, DATE, RANGE, *A), live(5, DATE, RANGE, ENDED, *A)),
        (live(5, DATE, RANGE, *A), live(5, DATE, RANGE.replace('"a"', '"b"'), *A)),
    ],
    "date-inexact": [
        (event(DATE, *A), event(DATE, *A, dated("02.002"), *B)),  # 1 ms and 500 ppm of 2 s
        (event(DATE, *A), event(DATE, *A, dated("01.998"), *B)),
        (event(DATE, *A), event(DATE, *A, CUT, dated("30"), *B)),
        (live(5, DATE, *A, *B, *C, *D), live(6, dated("02.002"), *B, *C, *D)),
        (live(5, *A, *B, *C, *D), live(6, DATE, *B, *C, *D)),
    ],
}
