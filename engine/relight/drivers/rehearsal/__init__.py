"""The rehearsal driver: the production kernel and judge on a virtual clock, against a world that is only played.

Hours pass in milliseconds, for the clock jumps to the next thing that is due.
What does not belong here: anything that can be called for real. No plugin, no provider, no secret, no file and no
clock is imported here, and an import contract keeps it so: what is absent cannot be switched on.
"""
