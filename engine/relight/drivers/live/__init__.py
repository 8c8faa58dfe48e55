"""The driver for real: providers that touch the world, clocks that tick, leases that end.

A run is driven by one process at a time, and a take-over is no special path: it is a driver with nothing in its hands.

What does not belong here: what may happen next (the kernel's), and whatever a rehearsal would need too (the pump's).
Importing this package imports next to nothing; whoever only decides a request pays for no asyncio and no models.
"""
