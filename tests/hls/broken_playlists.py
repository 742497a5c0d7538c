"""Playlists for tests: one that breaks each rule with the lines where, and valid ones with everything HLS has."""

from __future__ import annotations


def media(*body: str, version: int = 3, target: int = 2, ended: bool = True) -> str:
    """A media playlist: lines 1 to 3 are the header, the body begins at line 4."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{version}", f"#EXT-X-TARGETDURATION:{target}", *body]
    return "\n".join(lines + ["#EXT-X-ENDLIST"] * ended) + "\n"


def variants(*body: str) -> str:
    """A multivariant playlist: the body begins at line 2, a good variant follows it."""
    return "\n".join(["#EXTM3U", *body, VARIANT, "video.m3u8"]) + "\n"


VARIANT = '#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000'
A = ("#EXTINF:2.0,", "a.ts")
B = ("#EXTINF:2.0,", "b.ts")
C = ("#EXTINF:2.0,", "c.ts")
LOW_LATENCY = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=12"
DATE = "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:00.000Z"

# rule id -> (a playlist, the lines of the findings)
BROKEN: dict[str, tuple[str, list[int | None]]] = {
    # every playlist
    "extm3u-first": ("\n" + media(*A), [1]),
    "byte-order-mark": ("\ufeff" + media(*A), [1]),
    "not-utf-8": (media("#EXTINF:2.0,caf\udce9", "a.ts"), [4]),
    "control-character": (media("#EXTINF:2.0,\x07", "a.ts", "#EXTINF:2.0,one\rtwo", "b.ts"), [4, 6]),
    "white-space": (media("#EXTINF:2.0, title ", "a b.ts", "#EXTINF:2.0,", "b.ts "), [5, 7]),
    "tag-twice": (media("#EXT-X-TARGETDURATION:2", *A, "#EXT-X-VERSION:3"), [4, 7]),
    "mixed-playlist": (variants("#EXT-X-TARGETDURATION:2"), [None]),
    "tag-value": (media("#EXT-X-MEDIA-SEQUENCE:-1", "#EXT-X-PLAYLIST-TYPE:LIVE", *A), [4, 5]),
    "attribute-syntax": (media('#EXT-X-MAP: URI="i.mp4"', *A, version=6), [4]),
    "attribute-missing": (media("#EXT-X-MAP:X=1", *A, "#EXT-X-KEY:IV=0x1", version=6), [4, 7]),
    "attribute-type": (variants("#EXT-X-STREAM-INF:BANDWIDTH=1.5,CODECS=mp4a.40.2", "a.m3u8"), [2, 2]),
    "version-too-low": (media("#EXT-X-BYTERANGE:10@0", *A), [4]),
    "version-too-high": (media(*A, version=4), [2]),
    "define-names": (
        media(
            *('#EXT-X-DEFINE:NAME="a"', '#EXT-X-DEFINE:VALUE="a"', '#EXT-X-DEFINE:NAME="b",IMPORT="b"'),
            *('#EXT-X-DEFINE:NAME="a",VALUE=""', '#EXT-X-DEFINE:NAME="ä",VALUE=""', *A),
            version=8,
        ),
        [4, 5, 6, 7, 8],
    ),
    "variable-undefined": (media("#EXTINF:2.0,", "{$a}x", '#EXT-X-DEFINE:NAME="a",VALUE=""', *A, version=8), [5]),
    "tag-removed": (media("#EXT-X-ALLOW-CACHE:YES", *A), [4]),
    # media playlists
    "targetduration-missing": ("#EXTM3U\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n", [None]),
    "targetduration-exceeded": (media(*A, "#EXTINF:2.5,", "b.ts"), [7]),
    "media-sequence-late": (media(*A, "#EXT-X-MEDIA-SEQUENCE:4", *B), [6]),
    "discontinuity-sequence-late": (media("#EXT-X-DISCONTINUITY", "#EXT-X-DISCONTINUITY-SEQUENCE:1", *A), [5]),
    "discontinuity-sequence-missing": (
        media("#EXT-X-MEDIA-SEQUENCE:5", *A, "#EXT-X-DISCONTINUITY", *B, *C, ended=False),
        [7],
    ),
    "discontinuity-sequence-absent": (
        media("#EXT-X-PLAYLIST-TYPE:EVENT", *A, "#EXT-X-DISCONTINUITY", *B, ended=False),
        [7],
    ),
    "media-sequence-missing": (media(*A, *B, *C, ended=False), [None]),
    "vod-without-endlist": (media("#EXT-X-PLAYLIST-TYPE:VOD", *A, ended=False), [None]),
    "live-playlist-short": (media("#EXT-X-MEDIA-SEQUENCE:5", *A, *B, ended=False), [None]),
    "no-segments": (media("#EXT-X-PLAYLIST-TYPE:EVENT", version=1, ended=False), [None]),
    "extinf-missing": (media(*A, "b.ts"), [6]),
    "extinf-without-uri": (media("#EXTINF:2.0,", *A, "#EXTINF:2.0,"), [4, 7]),
    "extinf-malformed": (media("#EXTINF: 2.0,", "a.ts", "#EXTINF:-2,", "b.ts"), [4, 6]),
    "extinf-comma": (media("#EXTINF:2.0", "a.ts"), [4]),
    "byterange-malformed": (media("#EXT-X-BYTERANGE:10@", *A, version=4), [4]),
    "byterange-start-missing": (
        media("#EXT-X-BYTERANGE:10@0", *A, "#EXT-X-BYTERANGE:10", *A, "#EXT-X-BYTERANGE:10", *B, version=4),
        [12],
    ),
    "map-missing": (media("#EXTINF:2.0,", "a.m4s?key=1", "#EXTINF:2.0,", "b.m4s"), [5]),
    "map-change-unmarked": (
        media('#EXT-X-MAP:URI="1.mp4"', *A, '#EXT-X-MAP:URI="2.mp4"', *B, version=6),
        [9],
    ),
    "map-not-repeated": (media('#EXT-X-MAP:URI="1.mp4"', *A, "#EXT-X-DISCONTINUITY", *B, version=6), [9]),
    "key-none": (media('#EXT-X-KEY:METHOD=NONE,URI="k"', *A), [4]),
    "key-uri": (media("#EXT-X-KEY:METHOD=AES-128", *A), [4]),
    "map-iv": (media('#EXT-X-KEY:METHOD=AES-128,URI="k"', '#EXT-X-MAP:URI="i.mp4"', *A, version=6), [5]),
    "discontinuity-first": (media("#EXT-X-DISCONTINUITY", *A), [6]),
    "start-offset": (media("#EXT-X-START:TIME-OFFSET=5", *A, *B), [4]),
    # dates
    "date-malformed": (media("#EXT-X-PROGRAM-DATE-TIME:14:00", *A), [4]),
    "date-without-zone": (media("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:00.000", *A), [4]),
    "date-backwards": (
        media(DATE, *A, "#EXT-X-DISCONTINUITY", "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:01.000Z", *B),
        [10],
    ),
    "date-drift": (media(DATE, *A, "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:02.600Z", *B), [9]),
    "date-after-discontinuity": (media(DATE, *A, "#EXT-X-DISCONTINUITY", *B), [9]),
    "daterange-without-date": (
        media('#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-21T14:00:00Z"', *A),
        [4],
    ),
    "daterange-conflict": (
        media(
            *(DATE, '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-21T14:00:00Z",PLANNED-DURATION=2'),
            *('#EXT-X-DATERANGE:ID="a",PLANNED-DURATION=3', *A),
        ),
        [6],
    ),
    "daterange-dates": (
        media(
            *(DATE, '#EXT-X-DATERANGE:ID="a"', '#EXT-X-DATERANGE:ID="b",START-DATE="now"'),
            '#EXT-X-DATERANGE:ID="c",START-DATE="2026-11-21T14:00:00Z",END-DATE="2026-11-21T13:00:00Z"',
            '#EXT-X-DATERANGE:ID="d",START-DATE="2026-11-21T14:00:00Z",END-DATE="2026-11-21T14:00:10Z",DURATION=9',
            '#EXT-X-DATERANGE:ID="e",START-DATE="2026-11-21T14:00:00Z",END-DATE="2026-11-21T14:00:10Z",DURATION=10',
            *A,
        ),
        [5, 6, 7, 8],
    ),
    "daterange-end-on-next": (
        media(DATE, '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-21T14:00:00Z",END-ON-NEXT=YES,DURATION=1', *A),
        [5, 5],
    ),
    # low latency
    "part-inf-missing": (media('#EXT-X-PART:DURATION=0.5,URI="a.1.ts"', *A), [4]),
    "part-hold-back-missing": (media("#EXT-X-PART-INF:PART-TARGET=0.5", *A), [4]),
    "server-control-too-small": (
        media(
            "#EXT-X-PART-INF:PART-TARGET=0.5",
            "#EXT-X-SERVER-CONTROL:HOLD-BACK=5.9,CAN-SKIP-UNTIL=11.9,PART-HOLD-BACK=0.9",
            *A,
        ),
        [5, 5, 5],
    ),
    "part-hold-back-small": (
        media("#EXT-X-PART-INF:PART-TARGET=0.5", "#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=1.4", *A),
        [5],
    ),
    "skip-dateranges-alone": (media("#EXT-X-SERVER-CONTROL:CAN-SKIP-DATERANGES=YES", *A), [4]),
    "part-too-long": (
        media(LOW_LATENCY, "#EXT-X-PART-INF:PART-TARGET=0.5", '#EXT-X-PART:DURATION=0.6,URI="p"', *A),
        [6],
    ),
    "part-too-short": (
        media(
            *(LOW_LATENCY, "#EXT-X-PART-INF:PART-TARGET=0.5", '#EXT-X-PART:DURATION=0.4,URI="p"'),
            *('#EXT-X-PART:DURATION=0.3,URI="q",INDEPENDENT=YES', '#EXT-X-PART:DURATION=0.1,URI="r"', *A),
            '#EXT-X-PART:DURATION=0.2,URI="s"',
        ),
        [6],
    ),
    "part-tags-late": (
        media(LOW_LATENCY, "#EXT-X-PART-INF:PART-TARGET=0.5", '#EXT-X-PART:DURATION=0.5,URI="p"', DATE, *A),
        [7],
    ),
    "part-in-i-frame-playlist": (
        media(
            *(LOW_LATENCY, "#EXT-X-PART-INF:PART-TARGET=0.5", "#EXT-X-I-FRAMES-ONLY"),
            *('#EXT-X-PART:DURATION=0.5,URI="p"', *A),
            version=4,
        ),
        [7],
    ),
    "skip-not-offered": (media("#EXT-X-SKIP:SKIPPED-SEGMENTS=3", *A, version=9), [4, 4]),
    "hint-after-end": (media(*A, '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p"'), [6]),
    "hint-twice": (
        media(
            *A,
            *('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p"', '#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="m"'),
            '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q"',
            ended=False,
        ),
        [8],
    ),
    # multivariant playlists
    "stream-inf-uri": (variants("a.m3u8", VARIANT, "#EXT-X-INDEPENDENT-SEGMENTS", VARIANT), [2, 3, 5]),
    "no-variants": ('#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",URI="s.m3u8"\n', [None]),
    "codecs-absent": (variants("#EXT-X-STREAM-INF:BANDWIDTH=1", "a.m3u8"), [2]),
    "resolution-absent": (variants('#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="mp4a.40.2,hvc1.1.6.L93.B0"', "a.m3u8"), [2]),
    "frame-rate-absent": (
        variants('#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f",RESOLUTION=2x2', "a.m3u8"),
        [2],
    ),
    "average-above-peak": (
        variants('#EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=2,CODECS="mp4a.40.2"', "a.m3u8"),
        [2],
    ),
    "group-missing": (variants('#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a",CODECS="mp4a.40.2"', "a.m3u8"), [2]),
    "closed-captions": (
        variants(
            *('#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=NONE,CODECS="mp4a.40.2"', "a.m3u8"),
            *('#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=NONE,CODECS="mp4a.40.2"', "b.m3u8"),
        ),
        [6],
    ),
    "media-uri": (variants('#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s"'), [2]),
    "media-instream-id": (variants('#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="c",INSTREAM-ID="CC5"'), [2]),
    "media-default": (
        variants('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",CHANNELS="2",DEFAULT=YES,AUTOSELECT=NO'),
        [2],
    ),
    "media-forced": (variants('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",CHANNELS="2",FORCED=NO'), [2]),
    "media-group": (
        variants(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",CHANNELS="2",DEFAULT=YES',
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",CHANNELS="6",DEFAULT=YES,URI="a.m3u8"',
        ),
        [3, 3],
    ),
    "media-channels": (variants('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en"'), [2]),
    "session-data": (
        variants(
            '#EXT-X-SESSION-DATA:DATA-ID="a"',
            '#EXT-X-SESSION-DATA:DATA-ID="b",VALUE="x"',
            '#EXT-X-SESSION-DATA:DATA-ID="b",URI="x.json"',
        ),
        [2, 4],
    ),
    "session-key": (
        variants(
            "#EXT-X-SESSION-KEY:METHOD=NONE",
            '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k"',
            '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k"',
        ),
        [2, 4],
    ),
}

VALID: dict[str, str] = {
    "ours, running": "\n".join(
        [
            *("#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0"),
            *("#EXT-X-DISCONTINUITY-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:EVENT", '#EXT-X-MAP:URI="../r1/init.mp4"'),
            *(DATE, "#EXTINF:2.000000,", "../r1/segment-000000.m4s", "#EXTINF:1.960000,", "../r1/segment-000001.m4s"),
            *("#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="../r2/init.mp4"'),
            *("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:13.500Z", "#EXTINF:2.000000,", "../r2/segment-000000.m4s", ""),
        ]
    ),
    "Apple's segmenter": media("#EXTINF:1.98,\t", "a.ts", "#EXTINF:1.98,\t", "b.ts"),
    "simple, no version": "#EXTM3U\n#EXT-X-TARGETDURATION:5220\n#EXTINF:5220,\nhttp://a/entire.ts\n#EXT-X-ENDLIST\n",
    "live": media(
        *("#EXT-X-MEDIA-SEQUENCE:2680", "#EXT-X-DISCONTINUITY-SEQUENCE:4", "#EXT-X-DISCONTINUITY"),
        *(*A, *B, "#EXT-X-BITRATE:512", *C, "# a comment", "#EXT-X-CUE-OUT:30", *A),
        ended=False,
    ),
    "keys": media(
        *('#EXT-X-KEY:METHOD=AES-128,URI="https://a/k?r=52",IV=0x9c7db8778570d05c3177c349fd9236aa', *A),
        *('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://1",KEYFORMAT="com.apple",KEYFORMATVERSIONS="1"', *B),
        *('#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,AAAA",KEYFORMAT="urn:uuid:x"', *B),
        *("#EXT-X-KEY:METHOD=NONE", *C),
        version=5,
    ),
    "one file, byte ranges": media(
        *('#EXT-X-MAP:URI="main.mp4",BYTERANGE="719@0"', "#EXT-X-BYTERANGE:1508000@719", "#EXTINF:2.0,", "main.mp4"),
        *("#EXT-X-BYTERANGE:1510244", "#EXTINF:2.0,", "main.mp4", "#EXTINF:2.0,", "#EXT-X-BYTERANGE:7", "main.mp4"),
        version=6,
    ),
    "I-frames": media(
        *("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-I-FRAMES-ONLY", "#EXT-X-BYTERANGE:9400@376", "#EXTINF:1.5,", "m.ts"),
        *("#EXT-X-BYTERANGE:7144@47000", "#EXTINF:2.4,", "m.ts"),
        version=4,
    ),
    "gaps": media('#EXT-X-MAP:URI="i.mp4"', "#EXTINF:2.0,", "a.m4s", "#EXT-X-GAP", "#EXTINF:2.0,", "b.m4s", version=6),
    "date ranges": media(
        *(DATE, '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-21T14:00:00Z",PLANNED-DURATION=60,SCTE35-OUT=0xFC002F'),
        *(*A, '#EXT-X-DATERANGE:ID="a",DURATION=59.993,SCTE35-IN=0xFC002A,X-COM-EXAMPLE="1"', *B),
        '#EXT-X-DATERANGE:ID="b",CLASS="c",START-DATE="2026-11-21T14:00:02Z",END-ON-NEXT=YES',
    ),
    "variables": media(
        *('#EXT-X-DEFINE:NAME="p",VALUE="a/b"', '#EXT-X-DEFINE:IMPORT="auth"', '#EXT-X-DEFINE:QUERYPARAM="t"'),
        *("#EXTINF:2.0,{$title}", "{$p}/a.ts?{$auth}&{$t}", '#EXT-X-KEY:METHOD=AES-128,URI="k",IV={$t}', *B),
        version=11,
    ),
    "a date each, drifting a little": media(
        *("#EXT-X-START:TIME-OFFSET=-1,PRECISE=YES", DATE, *A, "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:01.980Z", *B),
        *("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T15:00:04.020+01:00", *C),
    ),
    "low latency": media(
        *(LOW_LATENCY, "#EXT-X-PART-INF:PART-TARGET=0.5", "#EXT-X-MEDIA-SEQUENCE:266"),
        *("#EXT-X-DISCONTINUITY-SEQUENCE:0", '#EXT-X-MAP:URI="i.mp4"', DATE),
        *("#EXTINF:2.0,", "266.mp4", "#EXTINF:2.0,", "267.mp4", "#EXTINF:2.0,", "268.mp4"),
        *('#EXT-X-PART:DURATION=0.5,URI="269.0.mp4",INDEPENDENT=YES', '#EXT-X-PART:DURATION=0.5,URI="269.1.mp4"'),
        *('#EXT-X-PART:DURATION=0.1,URI="269.2.mp4"', "#EXTINF:1.1,", "269.mp4", "#EXT-X-DISCONTINUITY"),
        *('#EXT-X-MAP:URI="j.mp4"', "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:07.100Z"),
        *('#EXT-X-PART:DURATION=0.2,URI="270.0.mp4",INDEPENDENT=YES', '#EXT-X-PART:DURATION=0.43,URI="270.1.mp4"'),
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="270.2.mp4"',
        '#EXT-X-RENDITION-REPORT:URI="../1M/waitForMSN.php",LAST-MSN=270,LAST-PART=1',
        version=9,
        ended=False,
    ),
    "delta update": media(
        *("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES", "#EXT-X-MEDIA-SEQUENCE:100"),
        *('#EXT-X-SKIP:SKIPPED-SEGMENTS=5,RECENTLY-REMOVED-DATERANGES="a\tb"', "#EXTINF:2.0,", "106.m4s"),
        version=10,
        ended=False,
    ),
    "variants with everything": "\n".join(
        [
            *("#EXTM3U", "#EXT-X-VERSION:8", "#EXT-X-INDEPENDENT-SEGMENTS", '#EXT-X-DEFINE:NAME="v",VALUE="x"'),
            '#EXT-X-SESSION-DATA:DATA-ID="com.example.title",LANGUAGE="en",VALUE="This is an example"',
            '#EXT-X-SESSION-DATA:DATA-ID="com.example.title",LANGUAGE="es",VALUE="Este es un ejemplo"',
            '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://{$v}",KEYFORMAT="com.apple.streamingkeydelivery"',
            '#EXT-X-CONTENT-STEERING:SERVER-URI="/steering?video=00012",PATHWAY-ID="CDN-A"',
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",CHANNELS="2",URI="en.m3u8"',
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Deutsch",DEFAULT=NO,LANGUAGE="de",CHANNELS="2",URI="de.m3u8"',
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="ac3",NAME="English",DEFAULT=YES,CHANNELS="6/-/JOC",URI="ac3.m3u8"',
            '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",FORCED=NO,LANGUAGE="en",URI="s.m3u8"',
            '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="English",INSTREAM-ID="CC1"',
            '#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,SCORE=2.0,CODECS="avc1.640029,mp4a.40.2",'
            'RESOLUTION=1920x1080,FRAME-RATE=59.940,VIDEO-RANGE=SDR,HDCP-LEVEL=NONE,AUDIO="aac",SUBTITLES="subs",'
            'CLOSED-CAPTIONS="cc",STABLE-VARIANT-ID="v1",PATHWAY-ID="CDN-A",X-COM-EXAMPLE="1"',
            "hi/{$v}.m3u8",
            '#EXT-X-STREAM-INF:BANDWIDTH=65000,CODECS="mp4a.40.5",AUDIO="aac"',
            "audio-only.m3u8",
            '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=150000,CODECS="avc1.640029",RESOLUTION=1920x1080,URI="iframe.m3u8"',
            "",
        ]
    ),
}
