from __future__ import annotations

from pathlib import Path

import pytest
from small_graphs import small_graphs


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Small graphs of every configuration, cold and warm."""
    folder = tmp_path_factory.mktemp("graphs")
    return {name: small_graphs(name, folder) for name in ("nano", "base", "paper")}
