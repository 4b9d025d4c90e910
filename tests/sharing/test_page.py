from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

import pytest

from nnviz_widgets.errors import FrontEndMissing
from nnviz_widgets.sharing import page as page_module
from nnviz_widgets.sharing.manifest import Manifest
from nnviz_widgets.sharing.page import json_in_script, page, text
from tests.sharing.files import SCRIPT, _Elements


def manifest(**fields):
    given = {
        "version": 1, "library": "nnviz_widgets 1", "created": "2026-01-31", "title": "a run", "model": "mnist",
        "layers": 2, "steps": 7, "opened": [], "content": [], "reveals": [], "left_out": [],
    }  # fmt: skip
    return Manifest(**given | fields)


def parsed(manifest, logs=None):
    reader = _Elements()
    html = "".join(page().parts(manifest, logs or {}, "INDEX", ["DA", "TA"]))
    reader.feed(html)
    reader.close()
    return reader, html


def test_the_policy_allows_the_one_script_and_nothing_from_elsewhere():
    reader, _ = parsed(manifest())
    (policy,) = [value for tag, name, value in reader.attributes if name == "content" and "default-src" in value]
    digest = b64encode(sha256(reader.scripts[""].encode()).digest()).decode()
    assert reader.scripts[""] == SCRIPT
    assert policy.split("; ")[0] == "default-src 'none'"
    assert f"script-src 'sha256-{digest}'" in policy.split("; ")
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_no_element_has_an_address_and_no_text_names_one():
    reader, html = parsed(manifest())
    assert {name for _, name, _ in reader.attributes} <= {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "id",
        "type",
    }
    assert "http://" not in html
    assert "https://" not in html


def test_a_reader_without_scripts_learns_what_is_there():
    shown, _ = parsed(manifest(reveals=["Weights: many"]), {"loss": 0.25, "accuracy": None})
    text = "".join(shown.texts)
    for words in ("a run", "mnist", "2 layers, 7 steps", "loss", "0.25", "not a finite number", "Weights: many"):
        assert words in text


@pytest.mark.parametrize("script", ["a</script>b", "a</SCRIPT >b", "<!-- x"])
def test_a_script_that_would_end_its_element_is_refused(script, monkeypatch):
    monkeypatch.setattr(page_module, "page_front_end", lambda: (script, ""))
    with pytest.raises(FrontEndMissing, match="neither `</script` nor `<!--`"):
        page()


def test_the_hash_is_of_what_a_browser_reads(monkeypatch):
    monkeypatch.setattr(page_module, "page_front_end", lambda: ("one\r\ntwo", ""))
    assert page().script == "one\ntwo"


def test_json_in_a_script_begins_and_ends_no_element():
    written = json_in_script({"a": "</script><!--<b>&\u2028\u2029", "n": float("nan")})
    assert not set("<>&\u2028\u2029") & set(written)
    assert written.endswith('"n":null}')


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<b>'\"&", "&lt;b&gt;&#x27;&quot;&amp;"),
        ("a\u202eb\u2066c\x00d\x1be", "abcde"),
        ("two\nlines", "two lines"),
        ("ä😀", "ä😀"),
        ("", ""),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_text_is_shown_and_never_read_as_tags(given, shown):
    assert text(given) == shown
