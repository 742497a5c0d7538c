"""Reads the bit fields of configurations and parameter sets."""

from __future__ import annotations


class Bits:
    """Reads a few bits at a time, most significant first; IndexError past the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._size = self.left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next ``count`` bits as a number."""
        if count > self.left:
            raise IndexError("no bits left")
        self.left -= count
        return self._value >> self.left & (1 << count) - 1

    def unsigned(self) -> int:
        """ue(v), an Exp-Golomb code (ITU-T H.264 9.1, H.265 9.2)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """se(v) (ITU-T H.264 9.1.1)."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def taken(self) -> str:
        """What has been read so far, as a hexadecimal number with a leading one."""
        return f"{1 << self._size - self.left | self._value >> self.left:x}"
