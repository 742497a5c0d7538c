"""What livedvr costs. Ratios within one run mean something, seconds of one machine do not: docs/benchmarks.md."""
