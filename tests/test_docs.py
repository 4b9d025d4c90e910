"""What the documents name is there: files, targets of make, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("notebooks/**/*.md"), *ROOT.glob("benchmarks/*.md")])
SUFFIXES = "cfg|css|ipynb|js|json|lock|md|mjs|npz|png|py|svg|toml|ts|tsx|txt|yaml|yml"

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
IMAGE = re.compile(r"""<(?:img|source)\b[^>]*?(?:src|srcset)=["']([^"']+)["']""")
PATH = re.compile(rf"(?:[\w.-]+/)+(?:[\w.-]+\.(?:{SUFFIXES}))?|[\w.-]+\.(?:{SUFFIXES})|(?:LICENSE|Makefile)")
TARGET = re.compile(r"\bmake ([a-z][a-z-]+)\b")
BUILT = ("nnviz_widgets/static/", ".venv/", "demo/", "dist/", "js/dist/", "js/node_modules/", "tests/browser/shots/")


def paths_named_in(text: str) -> set[str]:
    """Return the paths that a document names: in backticks, as link targets and as pictures."""
    code = {word for word in CODE.findall(text) if PATH.fullmatch(word)}
    links = {link for link in [*LINK.findall(text), *IMAGE.findall(text)] if "://" not in link}
    return code | links


def exists(path: str, folder: Path) -> bool:
    """Return whether `path` is there: from the root, from the document's `folder`, or from a source folder.

    A bare file name may be in any folder of the sources: the text around it says which.
    """
    sources = [ROOT / "nnviz_widgets", ROOT / "js" / "src"]
    if any((base / path).exists() for base in [ROOT, folder, *sources]):
        return True
    return "/" not in path and any(True for base in sources for _ in base.rglob(path))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_paths_exist(document):
    named = paths_named_in(document.read_text(encoding="utf-8"))
    assert sorted(path for path in named if not path.startswith(BUILT) and not exists(path, document.parent)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_targets_exist(document):
    targets = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = "\n".join(re.findall(r"`[^`]*`|^ {4}.*$|^make .*$", document.read_text(), flags=re.MULTILINE))
    assert set(TARGET.findall(commands)) <= targets


def test_documents_are_there():
    names = {path.name for path in ROOT.glob("*.md")}
    assert names >= {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"}


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 60


def test_a_path_that_is_not_there_is_found_out():
    assert exists("core/frame.py", ROOT)
    assert exists("frame.py", ROOT)
    assert not exists("core/nowhere.py", ROOT)
    assert not exists("nowhere.py", ROOT)


def test_the_reader_of_paths_sees_them():
    text = "See `core/frame.py`, `make test`, `a.b`, [x](README.md#top) and [y](https://example.com/z.md)."
    assert paths_named_in(text) == {"core/frame.py", "README.md"}
