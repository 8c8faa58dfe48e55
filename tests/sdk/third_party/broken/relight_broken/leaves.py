"""Ends the program while it is imported."""

raise SystemExit("this machine is not supported")
