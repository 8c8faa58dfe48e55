"""The whole behaviour of the engine, and no I/O.

Every rule about when something may start, wait or end lives in this package.
Nothing here knows who is driving: a live run, a rehearsal, an exploration and a replay make the same calls.

What does not belong here: clocks, dice, files, sockets, waiting, the expression language, and any word about a plugin.
"""

from relight.kernel.decide import decide, turn
from relight.kernel.evolve import evolve
from relight.kernel.wanted import wanted

__all__ = ["decide", "evolve", "turn", "wanted"]
