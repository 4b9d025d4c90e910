"""What a user gets: the wheel, made from the sdist without Node, in an environment that holds nothing else of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nnviz_widgets._version import __version__

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
BUNDLE = tuple(
    f"nnviz_widgets/static/{name}" for name in ("inspector.js", "inspector.css", "annex.js", "page.js", "page.css")
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run `command` in `cwd` and return what it printed; a failure shows both of its streams."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the sdist, with no Node to be found."""
    missing = [path for path in BUNDLE if not (ROOT / path).is_file()]
    assert not missing, f"{missing} must be built first: run `make setup`"
    folder = tmp_path_factory.mktemp("dist")
    nowhere = tmp_path_factory.mktemp("no_programs")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder, PATH=str(nowhere))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment in which only the wheel and what it needs is installed."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--only-binary", ":all:")
    run(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=folder)
    return python


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {*BUNDLE, "nnviz_widgets/py.typed", "nnviz_widgets/protocol.py"} <= set(names)
    assert {name.partition("/")[0] for name in names} == {"nnviz_widgets", f"nnviz_widgets-{__version__}.dist-info"}


def test_wheel_imports_where_nothing_else_of_ours_is(python, tmp_path):
    code = "import nnviz_widgets as nnviz; print(nnviz.__version__, nnviz.__file__)"
    version, file = run(python, "-W", "error", "-c", code, cwd=tmp_path).split()
    assert version == __version__
    assert Path(file).is_relative_to(python.parent.parent)


def test_tensorflow_is_named_where_it_is_missing(python, tmp_path):
    code = """
import nnviz_widgets as nnviz
try:
    nnviz.TrainingSession(None)
except nnviz.NnvizError as error:
    print(type(error).__name__, error)
"""
    printed = run(python, "-c", code, cwd=tmp_path)
    assert printed.startswith("BackendMissing")
    assert re.search(r"pip install \S*nnviz.widgets\[tensorflow\]", printed)


def test_installed_bundle_is_a_widget(python, tmp_path, chromium: Browser):
    code = "from importlib.resources import files; print(files('nnviz_widgets') / 'static' / 'inspector.js')"
    bundle = Path(run(python, "-c", code, cwd=tmp_path).strip())
    assert bundle.is_relative_to(python.parent.parent)
    page = chromium.new_page()
    try:
        # As anywidget loads it: the text becomes a blob, the blob is imported.
        exported = page.evaluate(
            """async text => {
                const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
                const { default: widget } = await import(url);
                const made = typeof widget === "function" ? await widget() : widget;
                return Object.fromEntries(Object.entries(made).map(([name, value]) => [name, typeof value]));
            }""",
            bundle.read_text(encoding="utf-8"),
        )
    finally:
        page.close()
    assert exported == {"initialize": "function", "render": "function"}
