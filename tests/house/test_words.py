"""One word per thing, in names as in the glossary."""

from pathlib import Path

import pytest

from tests.house import words
from tests.house.tree import ROOT, load


def test_names_use_the_glossary() -> None:
    assert words.synonyms(load(ROOT, "src", "tests", "tools")) == []


def test_the_glossary_lists_every_word_and_its_wrong_names() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text()
    wanted = {*words.SYNONYMS, *words.SYNONYMS.values()}
    named = {word.replace("_", " ") for word in wanted}
    assert sorted(word for word in named if word not in glossary.lower()) == []


@pytest.mark.parametrize(
    "text",
    [
        "webhook_event = 1",
        "def store_webhook_events(): ...",
        "class WebhookEvent: ...",
        "def f(fencing_token): ...",
        "self.job_run = 1",
        "for queue_item in x: ...",
    ],
)
def test_another_word_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(text + "\n")
    assert len(words.synonyms(load(tmp_path, "src"))) == 1


@pytest.mark.parametrize("text", ["delivery = event", "municipality = 1", "x['job_run'] = 1"])
def test_other_names_are_let_through(tmp_path: Path, text: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(text + "\n")
    assert words.synonyms(load(tmp_path, "src")) == []
