"""Where facts are kept: the only truth of a run, append-only and hash-chained.

The port (``port.py``) speaks bytes and knows nothing of facts; the codec (``codec.py``) turns facts into the exact
bytes that are stored and hashed, and the chain (``chain.py``) makes any change of them show.
``locate.py`` opens a journal by its name. What does not belong here: deciding anything about a run.
"""
