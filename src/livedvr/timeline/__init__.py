"""PURE. One truthful timeline per channel: segments, the clock that dates them, windows over them."""
