"""A shared file opened by double click: no network, a strict policy, and everything moves."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.core.recording import Recording
from tests.browser.inspector import PIXELS
from tests.browser.shared_page import HOSTILE, N_STEPS, SharedPage, opened, recording

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
ALL = nnviz.Privacy(include=("activations", "gradients", "inputs", "labels"))
RUN_AXE = "async () => (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)"


@pytest.fixture(scope="module")
def internal(tmp_path_factory) -> Path:
    """A file with everything in it."""
    path = tmp_path_factory.mktemp("internal") / "internal.html"
    nnviz.export_html(recording(), path, privacy=ALL, title=HOSTILE)
    return path


@pytest.fixture(scope="module")
def public(tmp_path_factory) -> Path:
    """A file of the safe default."""
    path = tmp_path_factory.mktemp("public") / "public.html"
    nnviz.export_html(recording(side=20), path, title="For everybody")
    return path


def number(text: str) -> float:
    """Return the number that a person reads."""
    return float(text.replace("\u2212", "-"))


@pytest.mark.parametrize("name", ["layer", "step", "neuron", "sample", "depth"])
def test_each_slider_changes_pixels(chromium, internal, name):
    with opened(chromium, internal) as shared:
        shared.choose("Conv3D" if name == "depth" else "hidden").drawn("activations")
        slider = shared.slider(name)
        slider.wait_for()
        key = "ArrowLeft" if name == "step" else "ArrowRight"
        shared.changes(lambda: slider.press(key))


def test_a_name_that_is_markup_is_text_and_no_script_runs(chromium, internal):
    with opened(chromium, internal) as shared:
        assert shared.page.locator("h1").inner_text() == HOSTILE
        assert shared.page.title() != "owned"
        shared.choose("Conv3D").drawn("activations")
        assert shared.page.locator("img").count() == 0
        assert shared.violations == []


def test_the_policy_holds_against_other_scripts_and_the_page_needs_none(chromium, internal):
    within = chromium.new_context()
    shared = SharedPage(within.new_page()).open(internal)
    assert shared.violations == []
    shared.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", '<p onclick="globalThis.ran = true">press</p>');
        document.querySelector("p[onclick]").click();
    }""")
    shared.until(lambda: len(shared.violations), lambda n: n == 2)
    assert shared.page.evaluate("() => globalThis.ran") is None
    assert shared.page.evaluate("() => fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')") == "refused"
    within.close()


def test_it_works_with_the_keyboard(chromium, internal):
    with opened(chromium, internal) as shared:
        shared.choose("hidden").drawn()
        page = shared.page
        page.locator("body").click(position={"x": 3, "y": 3})
        shared.changes(lambda: page.keyboard.press("["))
        assert shared.slider("step").input_value() == str(N_STEPS - 1)
        page.keyboard.press(".")
        shared.until(lambda: shared.slider("layer").get_attribute("aria-valuetext"), lambda text: text == "digits")
        page.locator("[data-tensor=weights] [role=application]").focus()
        page.keyboard.press("ArrowRight")
        assert shared.slider("neuron").input_value() == "1"
        page.keyboard.press("t")
        page.locator("[data-tensor=weights] table").wait_for()
        page.keyboard.press("?")
        page.get_by_role("dialog", name="Keys").wait_for()
        page.keyboard.press("Escape")


def test_space_plays_the_kept_steps_from_the_first_to_the_last_and_pauses(chromium, internal):
    with opened(chromium, internal) as shared:
        shared.choose("hidden").drawn()
        page, step = shared.page, shared.slider("step")
        page.get_by_label("kept steps a second").select_option("20")
        page.locator("body").click(position={"x": 3, "y": 3})
        page.keyboard.press(" ")
        page.get_by_role("button", name="Pause").wait_for()
        shared.until(step.input_value, lambda at: at == str(N_STEPS))
        page.get_by_role("button", name="Play").wait_for()
        page.get_by_label("kept steps a second").select_option("1")
        page.get_by_role("button", name="Play").click()
        assert step.input_value() == "0"
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Pause").click()
        assert page.get_by_role("button", name="Play").is_visible()


def test_the_header_tells_of_the_step_that_is_shown(chromium, internal):
    with opened(chromium, internal) as shared:
        shared.choose("hidden").drawn()
        figures = shared.page.locator(".nnv-figures")
        assert figures.inner_text().startswith(f"{N_STEPS} / {N_STEPS}")
        assert shared.page.locator(".nnv-chip").inner_text() == f"recorded up to step {N_STEPS}"
        at_the_end = figures.inner_text()
        shared.slider("step").press("ArrowLeft")
        now = shared.until(figures.inner_text, lambda words: words.startswith(f"{N_STEPS - 1} / "))
        # The metrics, not the step alone.
        assert now.split("\n")[1:] != at_the_end.split("\n")[1:]
        assert shared.page.locator(".nnv-chip").inner_text() == f"recorded up to step {N_STEPS}"


def test_light_and_dark(chromium, internal):
    with opened(chromium, internal, color_scheme="dark") as shared:
        shared.choose("hidden").drawn()
        assert shared.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(14, 16, 19)"
        shared.changes(lambda: shared.page.get_by_role("button", name="Dark").click())
        assert shared.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    with opened(chromium, internal, color_scheme="light") as shared:
        assert not shared.page.locator(".nnv-dark").count()


def test_it_prints_light_without_controls_and_with_every_picture(chromium, internal):
    with opened(chromium, internal, color_scheme="dark") as shared:
        shared.choose("hidden").drawn()
        page = shared.page
        dark = shared.drawn()
        # A browser that prints waits for no frame of the screen: what it sees was drawn before this is heard.
        page.evaluate(f"""() => addEventListener("beforeprint", () => {{
            globalThis.printed = ({PIXELS})(document.querySelector("[data-tensor=weights] .nnv-data"));
        }})""")
        assert len(page.pdf(format="A4")) > 20_000
        assert page.evaluate("() => printed") != dark
        shared.until(shared.drawn, lambda now: now == dark)
        page.get_by_role("button", name="What is in this file").click()
        page.emulate_media(media="print")
        assert not page.get_by_role("dialog").is_visible()
        assert not page.get_by_role("button", name="Play").is_visible()
        assert not shared.slider("step").is_visible()
        for shown in (".nnv-data", ".nnv-bar canvas", ".nnv-timeline canvas", ".nnv-facet canvas"):
            assert page.locator(shown).first.is_visible()


def test_it_says_what_is_in_the_file(chromium, internal):
    manifest = nnviz.read_manifest(internal)
    with opened(chromium, internal) as shared:
        shared.page.get_by_role("button", name="What is in this file").click()
        told = shared.page.get_by_role("dialog", name="What is in this file").inner_text()
        left_out = [line.removeprefix("left out: ") for line in manifest.left_out]
        for line in (*manifest.reveals, *left_out, manifest.library, manifest.created):
            assert line in told
        assert "left out: " not in told
        for each in manifest.content:
            assert each.resolution in told
            assert each.kind.replace("_", " ") in told
        shared.page.keyboard.press("Escape")
        assert not shared.page.get_by_role("dialog").count()


def test_a_public_file_says_what_was_left_out_and_how_the_values_are_spread(chromium, public):
    with opened(chromium, public) as shared:
        # Not the first layer, which has no weights: there is nothing to see of it.
        assert shared.slider("layer").get_attribute("aria-valuetext") == "hidden"
        shared.drawn()
        words = shared.page.locator("[data-tensor=gradients] .nnv-bins")
        assert "left out of this file: gradients of single batches" in words.inner_text()
        before = words.locator("path").get_attribute("d")
        shared.slider("step").press("ArrowLeft")
        shared.until(lambda: words.locator("path").get_attribute("d"), lambda now: now != before)
        # There is nothing of samples to move along.
        assert not shared.slider("sample").count()


def test_the_numbers_are_those_of_the_run(chromium, internal):
    known = recording()
    with opened(chromium, internal) as shared:
        shared.choose("hidden").drawn()
        shared.page.keyboard.press("t")
        shared.slider("step").press("ArrowLeft")
        for tensor in ("weights", "gradients", "activations"):
            array = known.tensor("hidden", tensor, step=N_STEPS - 1)

            def as_it_was(tensor=tensor, array=array) -> bool:
                columns, rows = shared.table(tensor)
                assert (len(columns), len(rows)) == (8, 12)
                return all(
                    [number(cell) for cell in cells] == pytest.approx(list(array[int(row)]), rel=0.01)
                    for row, *cells in rows
                )

            shared.page.locator(f"[data-tensor={tensor}] table").wait_for()
            shared.until(as_it_was, bool)


def test_a_volume_is_shown_at_the_sample_and_depth_of_its_sliders(chromium, internal):
    with opened(chromium, internal) as shared:
        shared.choose("Conv3D").drawn("activations")
        shared.slider("depth").press("End")
        shared.slider("sample").press("ArrowRight")
        shared.slider("sample").press("ArrowRight")
        shared.page.keyboard.press("t")
        volume = recording().tensor(HOSTILE, "activations", step=N_STEPS)[2, 2]
        shared.page.locator("[data-tensor=activations] table").wait_for()

        def as_it_was() -> bool:
            columns, rows = shared.table("activations")
            places = [tuple(map(int, name.split())) for name in columns]
            expected = [volume[int(row), x, f] for row, *_ in rows for f, x in places]
            return [number(cell) for _, *cells in rows for cell in cells] == pytest.approx(expected, rel=0.01)

        shared.until(as_it_was, bool)


def test_a_picture_that_was_pooled_for_the_file_says_so_and_can_be_zoomed_into(chromium, public):
    with opened(chromium, public) as shared:
        whole = shared.drawn()
        page = shared.page
        label = page.locator("[data-tensor=weights] .nnv-map-label")
        assert "of 2 rows" in label.inner_text()
        shared.until(page.locator(".nnv-readout").inner_text, lambda text: "max |w| of 2 rows" in text)
        page.locator("[data-tensor=weights] [role=application]").focus()
        for _ in range(12):
            page.keyboard.press("+")
        shared.until(label.inner_text, lambda text: "back" in text)
        assert shared.until(shared.drawn, lambda now: now != whole)[1] >= 2
        page.keyboard.press("0")
        shared.until(shared.drawn, lambda now: now == whole)


def test_pictures_and_tables_leave_the_page(chromium, internal):
    with opened(chromium, internal) as shared:
        shared.choose("hidden").drawn()
        page = shared.page
        page.get_by_role("button", name=re.compile("^weights: colours")).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="save PNG").click()
        assert download.value.suggested_filename == f"hidden_kernel_weights_step{N_STEPS}.png"
        assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
        with page.expect_download() as download:
            page.get_by_role("button", name="save CSV").click()
        assert len(Path(download.value.path()).read_text().splitlines()) == 1 + 36


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["internal", "public"])
def test_axe_finds_nothing_amiss(chromium, which, scheme, request):
    with opened(chromium, request.getfixturevalue(which), color_scheme=scheme) as shared:
        shared.choose("hidden").drawn()
        shared.page.evaluate(AXE.read_text())
        assert shared.page.evaluate(RUN_AXE) == []
        shared.page.get_by_role("button", name="What is in this file").click()
        assert shared.page.evaluate(RUN_AXE) == []


def test_it_works_in_a_frame_that_may_only_run_scripts(chromium, internal, tmp_path):
    outer = tmp_path / "outer.html"
    frame = f'<iframe sandbox="allow-scripts allow-downloads" srcdoc="{escape(internal.read_text())}"></iframe>'
    outer.write_text(f"<!doctype html><style>iframe {{ width: 1000px; height: 900px }}</style>{frame}")
    page = chromium.new_page()
    page.goto(outer.as_uri())
    within = page.frame_locator("iframe")
    within.locator(".nnv-layer", has_text="hidden").click()
    canvas = within.locator("[data-tensor=weights] .nnv-data")
    canvas.wait_for()
    page.wait_for_timeout(300)
    before = canvas.screenshot()
    within.locator("input[aria-label=step]").press("Home")
    page.wait_for_timeout(300)
    assert canvas.screenshot() != before
    page.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda html: re.sub(r'(id="nnviz-index">).{40}', r"\1" + "A" * 40, html), "its index cannot be read"),
        (lambda html: html.replace('id="nnviz-data"', 'id="other"'), 'its part "nnviz-data" is missing'),
    ],
)
def test_a_damaged_file_says_so_and_what_it_should_hold(chromium, internal, tmp_path, change, words):
    damaged = tmp_path / "damaged.html"
    damaged.write_text(change(internal.read_text()))
    page = chromium.new_page()
    page.goto(damaged.as_uri())
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert words in alert.inner_text()
    assert page.get_by_role("table").is_visible()
    page.close()


def test_a_browser_that_cannot_inflate_is_told_which_can(chromium, internal):
    page = chromium.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    page.goto(internal.as_uri())
    assert "Firefox 113" in page.get_by_role("alert").inner_text()
    page.close()


def test_it_can_be_read_without_scripts(chromium, internal):
    within = chromium.new_context(java_script_enabled=False)
    page = within.new_page()
    page.goto(internal.as_uri())
    assert HOSTILE in page.locator("body").inner_text()
    assert page.get_by_role("table").is_visible()
    within.close()


def test_a_run_that_took_no_step_can_be_opened(chromium, tmp_path):
    path = tmp_path / "empty.html"
    nnviz.export_html(Recording("nothing yet"), path)
    with opened(chromium, path) as shared:
        words = shared.page.locator("body").inner_text()
        assert "No layer to show yet." in words
        assert "Press Run" not in words
