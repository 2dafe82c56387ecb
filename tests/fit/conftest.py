"""The shipped head and a solver for it, built once."""

from __future__ import annotations

import pytest

from engine.fit.heads.open_head import DEFAULT_PATH, OpenHead, load
from engine.fit.solver import Solver


@pytest.fixture(scope="session")
def head() -> OpenHead:
    return load(DEFAULT_PATH)


@pytest.fixture
def solver(head: OpenHead) -> Solver:
    return Solver(head)
