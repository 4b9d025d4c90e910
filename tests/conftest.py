"""What every test stands on: one processor kind, Jupyter folders of its own, and the order of the suite."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

# TensorFlow reads these once, when it loads, so they stand before any import that could load it. Bit-equality holds on
# the CPU only.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# A shared machine stalls now and then: time is measured by benchmarks. A red CI must be red again when it is run again.
settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("suite")

JUPYTER_FOLDERS = (
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the quick tests first and the browser last.

    A failing unit test is then seen at once, and nothing else runs in this process once Playwright has its event loop
    in the main thread (`asyncio.run` would refuse to work beside it).
    """
    items.sort(key=lambda item: sum(2**n for n, mark in enumerate(("notebook", "browser")) if mark in item.keywords))


def pytest_collection_finish() -> None:
    """Let nobody look for garbage in what is loaded by now, TensorFlow above all: a look takes a third of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_jupyter_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the person's Jupyter settings out of the tests, and the tests out of them."""
    root = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name in JUPYTER_FOLDERS:
            patch.setenv(name, str(root / name.lower()))
        yield


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for the whole run; each test opens pages of its own."""
    from tests.browser.chromium import launch

    with launch() as browser:
        yield browser
