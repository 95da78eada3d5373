"""What holds for all of opcov's own tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine makes an example slow: that says nothing of the code.
settings.register_profile("opcov", deadline=None)
settings.load_profile("opcov")
