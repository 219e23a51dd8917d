"""A moderation interface on the loopback address.

A test module that names this one in `pytest_plugins` has the fixture.
"""

import pytest
from moderation_server import serving

from wildpaper.interfaces import patience


@pytest.fixture
def interface(monkeypatch):
    """An interface, asked without a key, and pauses that are short."""
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.005)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving() as state:
        yield state
