"""Commands in Markdown: what counts as said, what is only shown."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.ingress.providers.mentions import MAX_COMMANDS, find, reference


def names(text, slug=""):
    return [(found.name, found.text) for found in find(text, slug)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/hookyard run tests", [("run", "tests")]),
        ("/testbot Run  the   tests ", [("run", "the   tests")]),
        ("/HOOKYARD run", [("run", "")]),
        ("   /hookyard run", [("run", "")]),
        ("/hookyard", [("help", "")]),
        ("/hookyard\trun", [("run", "")]),
        ("/hookyardx run", []),
        ("say /hookyard run", []),
        ("hello\r\n/hookyard a\r\n/testbot b", [("a", ""), ("b", "")]),
        ("/hookyard İstanbul", [("i̇stanbul", "")]),
        ("/hookyard a\x00b", [("ab", "")]),
    ],
)
def test_a_line_that_starts_with_the_prefix_commands(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "```\n/hookyard a\n```",
        "```sh\n/hookyard a\n```",
        "~~~\n/hookyard a\n~~~",
        "````\n```\n/hookyard a\n````",
        "```\n/hookyard a",
        "> /hookyard a",
        " > /hookyard a",
        "    /hookyard a",
        "\t/hookyard a",
        "<!-- /hookyard a -->",
        "<!--\n/hookyard a\n-->",
        "<!--\n/hookyard a",
        "`/hookyard a`",
    ],
)
def test_shown_text_does_not_command(text):
    assert names(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "```\ncode\n```\n/hookyard a",
        "> quote\n\n/hookyard a",
        "<!-- hidden --> \n/hookyard a",
        "<!--\nhidden\n-->\n/hookyard a",
        "<!-- x -->/hookyard a",
        "``` inline ``` here\n/hookyard a",
        "```\n``\n```\n/hookyard a",
    ],
)
def test_text_after_a_closed_block_commands(text):
    assert names(text) == [("a", "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@yard fix this", [("fix", "this")]),
        ("hey @Yard, please fix", [("please", "fix")]),
        ("@yard[bot] fix", [("fix", "")]),
        ("thanks @yard!", [("help", "")]),
        ("@yardbird fix", []),
        ("@yard-two fix", []),
        ("@yard/team fix", []),
        ("me@yard fix", []),
        ("`@yard fix`", []),
        ("> @yard fix", []),
        ("see `x` and @yard fix", [("fix", "")]),
        ("İİİ @yard fix", [("fix", "")]),
    ],
)
def test_a_mention_of_the_app_commands(text, expected):
    assert names(text, "yard") == expected


def test_at_most_ten_commands_count():
    assert len(find("/hookyard a\n" * 50)) == MAX_COMMANDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see octo/garden#12.", ("octo/garden", 12)),
        ("(octo/gar.den_2#1)", ("octo/gar.den_2", 1)),
        ("a octo/one#1 and octo/two#2", ("octo/one", 1)),
        ("https://x.y/octo/garden#12", None),
        ("#12", None),
        ("garden#12", None),
        ("octo/garden#1234567890", None),
        ("octo/garden#12a", None),
    ],
)
def test_a_reference_names_repository_and_number(text, expected):
    found = reference(text)
    assert (None if found is None else (found.repository, found.number)) == expected


@given(st.text(alphabet=st.sampled_from("`~<!->/hokyard@ \n\t#12aİ"), max_size=400))
def test_any_text_gives_bounded_commands(text):
    found = find(text, "yard")
    assert len(found) <= MAX_COMMANDS
    assert all(item.name and len(item.name) <= 64 for item in found)
    reference(text)


@pytest.mark.parametrize(
    "piece", ["@yard@", "`", "<!--", "-->", "a/", "A" * 39 + "/", "/hookyard", "\n"]
)
def test_hostile_text_costs_little(piece):
    text = (piece * 1_000_000)[:1_000_000]
    started = time.process_time()
    find(text, "yard")
    reference(text)
    assert time.process_time() - started < 1.0
