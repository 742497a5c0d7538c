"""livedvr under simulation: virtual time, one seed, faults everywhere. See `README.md` beside this file."""
