"""Recordings: bounded pieces of a live input, from a start to an end condition, into files."""
