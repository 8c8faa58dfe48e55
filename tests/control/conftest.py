"""Runs told by hand, for everything that shows or asks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tales() -> ModuleType:
    """The module of hand-told runs: ``tales.Tale()``."""
    return _load("relight_tales", Path(__file__).with_name("tale.py"))
