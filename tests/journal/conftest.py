"""Many small journals are made here; what they hold back for a full disk is small too."""

import os

import pytest

from relight.journal import disk


@pytest.fixture(autouse=True)
def _small_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "RESERVE_BYTES", 4_096)
    monkeypatch.setattr(disk, "_allocate", os.ftruncate)  # test_full_disk.py does it for real
