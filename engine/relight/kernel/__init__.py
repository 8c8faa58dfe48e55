"""The whole behaviour of the engine, and no I/O.

Every rule about when something may start, wait or end lives in this package.
Nothing here knows who is driving: a live run, a rehearsal, an exploration and a replay make the same calls,
:func:`relight.kernel.decide.decide`, :func:`relight.kernel.evolve.evolve` and :func:`relight.kernel.wanted.wanted`.
They are imported from where they stand, for whoever only folds facts should not wait for the rules of deciding.

What does not belong here: clocks, dice, files, sockets, waiting, the expression language, and any word about a plugin.
"""
