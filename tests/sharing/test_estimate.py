from __future__ import annotations

import pytest

from nnviz_widgets.sharing import estimate
from nnviz_widgets.sharing import live_file as live_file_module
from nnviz_widgets.sharing.collect import collect
from nnviz_widgets.sharing.estimate import Estimator
from nnviz_widgets.sharing.live_file import _material, live_file
from nnviz_widgets.sharing.plan import whole
from nnviz_widgets.sharing.privacy import Privacy
from tests.sharing import runs
from tests.sharing.files import SharedFile

EVERYTHING = Privacy(include=("activations", "gradients", "inputs", "labels"))


@pytest.mark.parametrize("palette", [False, True])
@pytest.mark.parametrize("privacy", [None, EVERYTHING])
def test_an_estimate_is_near(palette, privacy):
    recording = runs.run(20, known=runs.catalogue(n_hidden=60, side=12))
    material = _material(recording, None, None, None, None, privacy)
    choice = whole(material.steps, palette=palette)
    ratio = Estimator(material).chars(choice) / collect(material, choice).n_chars
    assert 0.7 < ratio < 1.5


def test_a_file_has_no_more_pictures_than_a_page_can_list(monkeypatch):
    recording = runs.run(30)
    pictures = SharedFile(live_file(recording, privacy=EVERYTHING).text).document.pictures
    monkeypatch.setattr(estimate, "MOST_PICTURES", len(pictures) // 3)
    made = live_file(recording, privacy=EVERYTHING)
    fewer = SharedFile(made.text).document.pictures
    assert len(pictures) // 4 < len(fewer) <= len(pictures) // 3
    assert {0, 30} <= {picture.step for picture in fewer}
    assert "of 31 kept steps, so that it is small" in " ".join(made.manifest.left_out)


def test_what_is_shown_at_few_steps_anyway_makes_them_no_fewer(monkeypatch):
    monkeypatch.setattr(estimate, "MOST_PICTURES", 10)
    assert "kept steps" not in repr(live_file(runs.run(30)).manifest)


def test_a_file_that_must_be_smaller_is_drawn_once_and_only_a_few_steps_of_it_twice(monkeypatch):
    recording = runs.run(60, known=runs.catalogue(n_hidden=60, side=12))
    n_steps = []

    def counted(material, choice):
        n_steps.append(len(choice.steps))
        return collect(material, choice)

    monkeypatch.setattr(live_file_module, "collect", counted)
    most = live_file(recording, privacy=EVERYTHING).n_bytes
    assert n_steps == [61]
    n_steps.clear()
    smaller = live_file(recording, privacy=EVERYTHING, max_bytes=most * 2 // 3)
    assert [n for n in n_steps if n > live_file_module.TRIAL_STEPS] == n_steps[-1:]
    assert live_file_module.MUCH_LEFT * most * 2 // 3 < smaller.n_bytes <= most * 2 // 3
