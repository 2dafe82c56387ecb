"""The head, and OpenGL without a window."""

from __future__ import annotations

import os
from collections.abc import Iterator

import moderngl
import pytest

from app.render.offscreen import create_context
from engine.errors import OutputError
from engine.fit.heads import HeadModel, open_head

# OpenCV points Qt at plugins of its own when it is imported.
for _name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def head() -> HeadModel:
    return open_head.load(open_head.DEFAULT_PATH)


@pytest.fixture
def context() -> Iterator[moderngl.Context]:
    try:
        made = create_context()
    except OutputError as error:
        pytest.skip(str(error))
    yield made
    made.release()
