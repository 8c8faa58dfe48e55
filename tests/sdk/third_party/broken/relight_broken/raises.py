"""Raises while it is imported."""

raise RuntimeError("no licence for this host")
