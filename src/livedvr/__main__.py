"""`python -m livedvr`."""

from livedvr.cli import main

main(prog_name="livedvr")
