"""Carry a run forward: ask the kernel what should be going on, and make it so.

Every driver is the same pump (:mod:`relight.drivers.pump`) over another world:
``live`` has real providers and a real clock, ``rehearsal`` scripted outcomes and a virtual one.

What does not belong here: any rule about what may happen (the kernel's), documents, and what people see.
"""
