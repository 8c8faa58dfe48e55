"""Documents to a plan; every complaint has a file, a line, a column and a mend.

Bytes become a tree that knows where everything stood (``source``, ``yaml12``), the tree becomes a typed document
(``document``, ``site_document``), lint judges what it means, and ``plan`` resolves it against a site and freezes it.

What does not belong here: carrying a plan out, asking people, and calling a plugin; plugins are read for their
declarations only.
Nothing is imported here, so that ``relight.runbook.expressions`` stays cheap for those who replay a journal.
"""
