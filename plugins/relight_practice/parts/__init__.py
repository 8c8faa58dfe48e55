"""The processes of the practice site, one module each: what serves, what stores, and the people who want in.

Every part listens on one port of loopback, counts what it does at ``/metrics`` and takes orders under ``/-/``.
What does not belong here: any knowledge of recovery; a part does what it is told and fails when it is overrun.
"""
