"""Who may import whom, as DESIGN's arrows say; read from the source, so that an import inside a function counts too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "nnviz_widgets"

# What each part of the package may import of the others. A part is a module or a package directly in `nnviz_widgets`.
ARROWS = {
    "_version": set(),
    "errors": set(),
    "core": {"errors", "_version"},
    "protocol": {"errors", "core"},
    "pictures": {"errors", "core", "protocol"},
    "front_end": {"errors"},
    "sharing": {"errors", "core", "protocol", "pictures", "front_end", "_version"},
    "widgets": {"errors", "core", "protocol", "pictures", "front_end", "sharing"},
    "__init__": {"_version", "errors", "core", "sharing", "widgets"},
}
PROTOCOL_MAY_IMPORT = {"nnviz_widgets.core.frame", "nnviz_widgets.errors"}
KERAS = {"keras", "tensorflow"}
ON_DEMAND = "nnviz_widgets.core.backends.tensorflow"
"""The package that needs Keras to load; a function of `core/backends/__init__.py` loads it by name."""
DOORS = {"nnviz_widgets.core.backends", "nnviz_widgets.core.exports"}
"""Who may load a module by name, which no arrow holds: from `core` to what is built on it, when a user asks for it."""
DISPLAY = {"anywidget", "ipywidgets"}
LAZY = {"keras", "tensorflow", "pandas", "plotly"}


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, and when."""

    importer: str
    imported: str
    at_load: bool
    line: int

    def __str__(self):
        return f"{self.importer} imports {self.imported} (line {self.line})"


def module_name(path: Path) -> str:
    """Return the dotted name of the module in `path`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part(module: str) -> str:
    """Return the part of the package that `module` belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def imports_of(path: Path, modules: set[str]) -> Iterator[Import]:
    """Yield every import in `path`, those for type checkers aside."""

    def visit(node: ast.AST, at_load: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.orelse:
                yield from visit(child, at_load)
            return
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules else node.module for name in full]
        else:
            names = []
        yield from (Import(module_name(path), name, at_load, node.lineno) for name in names)
        inner = at_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inner)

    return visit(ast.parse(path.read_text(encoding="utf-8")), True)


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    """Every import of the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    modules = {module_name(path) for path in paths}
    found = [one for path in paths for one in imports_of(path, modules)]
    assert any(one.importer.startswith("nnviz_widgets.core") for one in found)
    return found


def top(name: str) -> str:
    """Return the distribution's import name."""
    return name.partition(".")[0]


def test_each_part_imports_only_what_its_arrows_allow(imports):
    internal = [one for one in imports if top(one.imported) == "nnviz_widgets" and part(one.importer) in ARROWS]
    allowed = {name: {name, *targets} for name, targets in ARROWS.items()}
    wrong = [str(one) for one in internal if part(one.imported) not in allowed[part(one.importer)]]
    assert internal
    assert wrong == []


def test_each_part_has_arrows():
    found = {path.stem if path.suffix == ".py" else path.name for path in PACKAGE.iterdir() if is_part(path)}
    assert found == set(ARROWS), "a new part of the package needs a row in ARROWS, and in ARCHITECTURE.md"


def is_part(path: Path) -> bool:
    """Return whether `path` is a module, or a folder that holds some."""
    return path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))


def test_protocol_takes_only_names_of_values_from_core(imports):
    taken = {one.imported for one in imports if one.importer == "nnviz_widgets.protocol"}
    assert {name for name in taken if top(name) == "nnviz_widgets"} <= PROTOCOL_MAY_IMPORT


def of_backend(module: str) -> bool:
    """Return whether `module` belongs to the package that is loaded on demand."""
    return module == ON_DEMAND or module.startswith(ON_DEMAND + ".")


def test_only_the_backend_knows_keras(imports):
    wrong = [str(one) for one in imports if top(one.imported) in KERAS and not of_backend(one.importer)]
    assert wrong == []


def test_nobody_loads_the_backend_with_himself(imports):
    outside = [one for one in imports if of_backend(one.imported) and not of_backend(one.importer)]
    assert [str(one) for one in outside if one.at_load] == []


def test_only_the_doors_load_by_name(imports):
    assert {one.importer for one in imports if top(one.imported) == "importlib"} == DOORS


def test_core_knows_no_display(imports):
    wrong = [
        str(one) for one in imports if one.importer.startswith("nnviz_widgets.core") and top(one.imported) in DISPLAY
    ]
    assert wrong == []


def test_heavy_libraries_load_inside_functions(imports):
    outside = [one for one in imports if not of_backend(one.importer)]
    assert [str(one) for one in outside if one.at_load and top(one.imported) in LAZY] == []


def test_the_backend_names_each_of_its_files():
    """Among so many, a reader finds the file of an idea by what the package says of itself."""
    package = PACKAGE / "core" / "backends" / "tensorflow"
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    named = [name for name in re.findall(r"`(\w+)`", said) if name != "fit"]
    assert sorted(named) == sorted(path.stem for path in package.glob("[!_]*.py"))


def test_no_cycle_among_modules(imports):
    graph: dict[str, set[str]] = {}
    for one in imports:
        if one.at_load and top(one.imported) == "nnviz_widgets" and one.imported != one.importer:
            graph.setdefault(one.importer, set()).add(one.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")


def test_import_loads_nothing_heavy():
    code = f"import sys, nnviz_widgets; print(sorted({LAZY} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_the_reader_of_imports_sees_them_all(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_architecture.ROOT", tmp_path)
    source = tmp_path / "pkg" / "mod.py"
    source.parent.mkdir()
    source.write_text(
        "import a\nfrom pkg import other\nif TYPE_CHECKING:\n    import c\n"
        "def f():\n    import d\n    async def g():\n        from e.f import h\nclass K:\n    import k\n"
    )
    found = {(one.imported, one.at_load) for one in imports_of(source, {"pkg.mod", "pkg.other"})}
    assert found == {("a", True), ("pkg.other", True), ("d", False), ("e.f", False), ("k", True)}
