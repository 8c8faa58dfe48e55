"""Plugins that are wrong in every way that an author may come upon."""
