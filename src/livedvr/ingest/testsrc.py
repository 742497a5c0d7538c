"""``testsrc``: a synthetic live source whose picture carries the UTC clock (SEMANTICS I1).

The bottom fifth of the picture is a panel with the time twice, both taken from one reading of the clock per frame:

- for people: ``2026-11-21 02:15:00.123 UTC`` in a dot-matrix font of our own (ffmpeg's ``drawtext`` needs a font file);
- for a test: a strip of black and white cells that `read_clock` reads back from a decoded frame of any size.

ffmpeg draws both itself, so the source needs no second process: its ``geq`` filter computes a canvas of 160 x 18 dots,
which is then enlarged. The sound is a quiet hum with a pip at each UTC second.
"""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.resources.errors import InvalidArgument

TESTSRC_OPTIONS = {"f": "lavfi"}
"""The input options that go before ``-i testsrc_graph()``, without dashes (as ffmpeg-python takes them)."""

# The canvas, in dots. The panel takes the whole width and the last fifth of the height of the picture, so at 16:9 a dot
# is a square, and at widths that are multiples of 160 all dots are equal.
_COLUMNS, _ROWS = 160, 18
_PANEL_SHARE = 5
_TEXT_TOP = 3
_STRIP_TOP, _STRIP_ROWS = 12, 4

# The strip, in cells of 3 dots: 1 0, UTC milliseconds (highest bit first), the same modulo 31, 0 1.
# The guards give the levels of white and black; modulo 31 catches each single wrong bit, as it divides no power of two.
_CELL = 3
_CLOCK_BITS = 42  # enough until the year 2109
_CHECK_BITS, _CHECK_MODULUS = 5, 31
_CELLS = 2 + _CLOCK_BITS + _CHECK_BITS + 2
_STRIP_LEFT = (_COLUMNS - _CELLS * _CELL) // 2
_MIN_CONTRAST = 48  # luma steps between the guards' white and black; less is no strip but a flat picture

_WHITE, _BLACK, _PANEL = 235, 16, 32  # luma

# Glyphs of 4 x 7 dots, drawn as they look. The first ten are the digits, so that a digit is the index of its glyph.
_GLYPH_COLUMNS, _GLYPH_ROWS, _PITCH = 4, 7, 5
_GLYPHS = "0123456789-:. UTC"
_FONT = """
.##. ..#. .##. .##. ...# #### .##. #### .##. .##. .... .... .... .... #..# ###. .##.
#..# .##. #..# #..# ..## #... #..# ...# #..# #..# .... .... .... .... #..# .#.. #..#
#..# ..#. ...# ...# .#.# ###. #... ...# #..# #..# .... .#.. .... .... #..# .#.. #...
#..# ..#. ..#. .##. #..# ...# ###. ..#. .##. .### .##. .... .... .... #..# .#.. #...
#..# ..#. .#.. ...# #### ...# #..# ..#. #..# ...# .... .#.. .... .... #..# .#.. #...
#..# ..#. #... #..# ...# #..# #..# .#.. #..# #..# .... .... .... .... #..# .#.. #..#
.##. .### #### .##. ...# .##. .##. .#.. .##. .##. .... .... .#.. .... .##. .#.. .##.
"""
_TEMPLATE = "dddd-dd-dd dd:dd:dd.ddd UTC"
_DATE_LENGTH = len("dddd-dd-dd")
_TEXT_LEFT = (_COLUMNS - len(_TEMPLATE) * _PITCH + 1) // 2


def testsrc_graph(width: int = 1280, height: int = 720, rate: int = 30) -> str:
    """The filter graph of a lavfi input with two streams in real time: picture (yuv420p) and sound (mono, 48 kHz).

    Use it as ``-f lavfi -i GRAPH`` (see `TESTSRC_OPTIONS`), without ``-re``. Both streams start at 0,
    the picture's timestamps are exact multiples of 1/rate. Should the encoder fall behind, the burnt clock stays true
    (it is read when a frame is made), the frames that are due follow in a burst; after a stall of over 2 s the source
    goes on where it was, so that its timestamps are late by the stall from then on.

    Args:
        width: pixels, even, at least 320.
        height: pixels, even, at least 180.
        rate: frames per second, 1 to 60.

    Raises:
        InvalidArgument: a size or rate that cannot be drawn legibly.
    """
    if width < 320 or height < 180 or width % 2 or height % 2:
        raise InvalidArgument(f"{width}x{height} is no size for testsrc", hint="even numbers, at least 320x180")
    if not 1 <= rate <= 60:
        raise InvalidArgument(f"{rate} frames per second is no rate for testsrc", hint="1 to 60")
    panel = 2 * round(height / _PANEL_SHARE / 2)
    # `realtime` paces by timestamp, so it stands where timestamps are regular. Then the wall clock becomes the
    # timestamp: the one way to have one reading per frame, for geq evaluates its expression anew for each dot. vstack
    # matches the two branches by it. At the end the regular grid is restored: with a time base of 1/rate ffmpeg need
    # not probe 20 frames for the rate, which would hold back the first 0.67 s. The bars are muted: easy on the eye.
    video = (
        f"testsrc2=size={width}x{height - panel}:rate={rate},format=yuv420p,realtime,settb=1/1000000,"
        f"setpts=time(0)*1000000,split[bars][clock];"
        f"[clock]crop={_COLUMNS}:{_ROWS}:0:0,geq=lum='{_canvas()}':cb=134:cr=124,"
        f"scale={width}:{panel}:flags=neighbor,setsar=1[panel];"
        f"[bars]setsar=1,lutyuv=u='128+(val-128)*0.6':v='128+(val-128)*0.6'[top];"
        f"[top][panel]vstack,settb=1/{rate},setpts=N[out0]"
    )
    # The first sample's wall clock is kept in register 0: pips fall on UTC seconds, as in the picture.
    audio = (
        "aevalsrc=exprs='st(0,if(n,ld(0),time(0)));"
        "0.02*sin(2*PI*220*t)+0.2*sin(2*PI*880*t)*lt(mod(ld(0)+t,1),0.08)':s=48000[out1]"
    )
    return f"{video};{audio}"


def read_clock(luma: bytes | bytearray | memoryview, width: int, height: int, stride: int) -> int | None:
    """The UTC time burnt into a frame of `testsrc_graph`, of any size that the frame was scaled to.

    Args:
        luma: the frame's 8 bit luma plane, ``height`` rows of ``stride`` bytes, of which ``width`` are the picture.
        width: pixels.
        height: pixels.
        stride: bytes from one row to the next, at least ``width``.

    Returns:
        Microseconds since the epoch (whole milliseconds), or None if no intact strip is seen: guards or check value do
        not hold, or a cell is neither clearly black nor clearly white (two frames blended into one).
    """
    levels = [_cell_level(memoryview(luma), width, height, stride, cell) for cell in range(_CELLS)]
    black, white = (levels[1] + levels[-2]) / 2, (levels[0] + levels[-1]) / 2
    contrast = white - black
    if contrast < _MIN_CONTRAST:
        return None
    shades = [(level - black) / contrast for level in levels]
    if any(0.35 < shade < 0.65 for shade in shades):
        return None
    bits = "".join("1" if shade > 0.5 else "0" for shade in shades)
    clock, check = int(bits[2 : 2 + _CLOCK_BITS], 2), int(bits[2 + _CLOCK_BITS : -2], 2)
    if bits[:2] != "10" or bits[-2:] != "01" or clock % _CHECK_MODULUS != check:
        return None
    return clock * 1000


def _cell_level(luma: memoryview, width: int, height: int, stride: int, cell: int) -> float:
    """Mean luma of the middle of a strip cell: its edges suffer most from scaling and compression."""
    column = _STRIP_LEFT + cell * _CELL
    left = int((column + _CELL / 3) * width / _COLUMNS)
    right = max(left + 1, int((column + _CELL * 2 / 3) * width / _COLUMNS))
    row = _STRIP_TOP - _ROWS  # negative: rows above the lower edge of the picture
    dot = height / _PANEL_SHARE / _ROWS
    top = height + int((row + _STRIP_ROWS / 4) * dot)
    bottom = max(top + 1, height + int((row + _STRIP_ROWS * 3 / 4) * dot))
    total = sum(sum(luma[y * stride + left : y * stride + right]) for y in range(top, bottom))
    return total / ((right - left) * (bottom - top))


# The expressions that follow are for ffmpeg's evaluator: X, Y are the dot, T is the timestamp in seconds, st and ld
# write and read registers: 0 holds UTC milliseconds, 1 and 2 the dot's place in the text or strip, 3 a number to write.


def _canvas() -> str:
    """Luma of the dot X, Y of the panel at time T."""
    return f"st(0,floor(T*1000));if(lt(Y,{_STRIP_TOP}),{_text()},{_strip()})"


def _text() -> str:
    """Luma of a dot of the line of text."""
    digits = _DATE_LENGTH, len(_TEMPLATE)
    codes = []
    for index, char in enumerate(_TEMPLATE):
        if char == "d":
            end = digits[0] if index < digits[0] else digits[1]
            codes.append(f"mod(floor(ld(3)/1e{_TEMPLATE[index + 1 : end].count('d')}),10)")
        else:
            codes.append(str(_GLYPHS.index(char)))
    place = f"st(1,floor((X-{_TEXT_LEFT})/{_PITCH}));st(2,X-{_TEXT_LEFT}-{_PITCH}*ld(1))"
    inside = (
        f"between(ld(1),0,{len(_TEMPLATE) - 1})*lt(ld(2),{_GLYPH_COLUMNS})"
        f"*between(Y,{_TEXT_TOP},{_TEXT_TOP + _GLYPH_ROWS - 1})"
    )
    number = f"st(3,if(lt(ld(1),{_DATE_LENGTH}),{_date()},{_time_of_day()}))"
    mask = _pick("ld(3)", _font_masks())
    bit = f"mod(floor({mask}/pow(2,(Y-{_TEXT_TOP})*{_GLYPH_COLUMNS}+ld(2))),2)"
    glyph = f"{number};st(3,{_pick('ld(1)', codes)});{bit}"
    return f"({place};if({inside},{_PANEL}+{_WHITE - _PANEL}*({glyph}),{_PANEL}))"


def _strip() -> str:
    """Luma of a dot of the machine-readable strip and its surroundings."""
    last = _CELLS - 1
    clock_end = 2 + _CLOCK_BITS
    clock = f"mod(floor(ld(0)/pow(2,{clock_end - 1}-ld(1))),2)"
    check = f"mod(floor(mod(ld(0),{_CHECK_MODULUS})/pow(2,{last - 2}-ld(1))),2)"
    guard = f"(eq(ld(1),0)+eq(ld(1),{last}))"
    bit = f"if(between(ld(1),2,{clock_end - 1}),{clock},if(between(ld(1),{clock_end},{last - 2}),{check},{guard}))"
    inside = f"between(ld(1),0,{last})*lt(Y,{_STRIP_TOP + _STRIP_ROWS})"
    place = f"st(1,floor((X-{_STRIP_LEFT})/{_CELL}))"
    return f"({place};if({inside},{_BLACK}+{_WHITE - _BLACK}*{bit},{_PANEL}))"


def _time_of_day() -> str:
    """Register 0 as the decimal number HHMMSSmmm."""
    return "mod(floor(ld(0)/36e5),24)*1e7+mod(floor(ld(0)/6e4),60)*1e5+mod(ld(0),6e4)"


def _date() -> str:
    """Register 0 as the decimal number YYYYMMDD, right from 2000-03-01 to 2100-02-28: every fourth year is a leap year.

    Years are counted from 1 March, so that the leap day is the last of its year. Uses registers 4 to 6.
    """
    return (
        "(st(4,floor(ld(0)/864e5)-11017);"  # days since 2000-03-01
        "st(5,floor((4*ld(4)+3)/1461));"  # whole years
        "st(4,ld(4)-floor(1461*ld(5)/4));"  # day of the year
        "st(6,floor((5*ld(4)+2)/153));"  # month, March is 0; five months from March or August have 153 days
        "(2000+ld(5)+gte(ld(6),10))*1e4+(mod(ld(6)+2,12)+1)*100+ld(4)-floor((153*ld(6)+2)/5)+1)"
    )


def _font_masks() -> list[str]:
    """For each glyph the number whose bit ``row * 4 + column`` is the dot."""
    rows = [line.split() for line in _FONT.split("\n") if line]
    masks = []
    for glyph in range(len(_GLYPHS)):
        dots = "".join(row[glyph] for row in rows)
        masks.append(str(sum(1 << bit for bit, dot in enumerate(dots) if dot == "#")))
    return masks


def _pick(index: str, options: Sequence[str]) -> str:
    """An expression with the value of ``options[index]``, as a binary tree: ffmpeg has no arrays."""

    def tree(low: int, high: int) -> str:
        if high - low == 1:
            return options[low]
        middle = (low + high) // 2
        return f"if(lt({index},{middle}),{tree(low, middle)},{tree(middle, high)})"

    return tree(0, len(options))
