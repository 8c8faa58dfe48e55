"""Conformance suites and fakes, shipped for everybody who writes a plugin or a journal.

A suite says what every implementation of a port must do; an implementation's test only hands it a factory.
What does not belong here: tests of the engine itself.
"""
