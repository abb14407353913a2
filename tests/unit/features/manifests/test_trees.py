"""A tree that takes over what did not change is the tree a fresh parse gives."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.features.manifests import grammars
from hookyard.features.manifests.before import undo
from hookyard.features.manifests.languages import LANGUAGES, Language, language_of
from hookyard.features.manifests.linediff import diff_lines

from .samples import SAMPLES, Sample


def shape(language: Language, source: bytes) -> str:
    grammar = grammars.grammar(language)
    assert grammar is not None
    tree = grammars.parse(grammar, source)
    assert tree is not None
    return str(tree.root_node)


def reused(language: Language, old: bytes, new: bytes) -> str:
    """The old side's tree, made from the new side's."""
    grammar, hunks = grammars.grammar(language), diff_lines(old, new)
    assert grammar is not None
    assert hunks is not None
    before, tree = undo(new, hunks), grammars.parse(grammar, new)
    assert before is not None
    assert tree is not None
    made = grammars.parse(grammar, old, grammars.edited(tree, new, before.edits))
    assert made is not None
    return str(made.root_node)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.name)
def test_every_grammar_loads_with_its_queries(language: Language) -> None:
    grammar = grammars.grammar(language)
    assert grammar is not None
    assert grammar.symbols.pattern_count > 0


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.path)
def test_the_old_sides_tree_is_that_of_a_fresh_parse(sample: Sample) -> None:
    language = language_of(sample.path)
    assert language is not None
    old, new = sample.old.encode(), sample.new.encode()
    assert reused(language, old, new) == shape(language, old)


@given(st.integers(0, 2**32), st.sampled_from(SAMPLES))
@settings(max_examples=60, deadline=None)
def test_so_it_is_for_valid_code_with_whole_statements_taken_out(seed: int, sample: Sample) -> None:
    chance = random.Random(seed)
    language = language_of(sample.path)
    assert language is not None
    new = sample.new.encode()
    blocks = new.split(b"\n\n")
    if len(blocks) > 2:
        del blocks[chance.randrange(1, len(blocks))]
    old = b"\n\n".join(blocks).rstrip(b"\n") + b"\n"
    if "ERROR" in shape(language, old) or "MISSING" in shape(language, old):
        return
    assert reused(language, old, new) == shape(language, old)


@pytest.mark.parametrize("ends", [("", "\n"), ("\n", ""), ("", "")])
def test_an_open_last_line_is_no_obstacle(ends: tuple[str, str]) -> None:
    language = language_of("x.py")
    assert language is not None
    old, new = f"a = 1\nb = 2{ends[0]}".encode(), f"a = 1\nb = 2\nc = f(3){ends[1]}".encode()
    assert reused(language, old, new) == shape(language, old)
    assert reused(language, new, old) == shape(language, new)


@pytest.mark.parametrize(
    "source",
    [
        b"(" * 60_000,
        b"[{(" * 30_000,
        b"'\"" * 60_000,
        b"if x:\n" * 20_000,
        b"\x00\xff" * 30_000,
        b"".join(b" " * n + b"if x:\n" for n in range(400)),
    ],
)
def test_hostile_sources_end_in_bounds(source: bytes) -> None:
    language = language_of("x.py")
    assert language is not None
    grammar = grammars.grammar(language)
    assert grammar is not None
    first, again = grammars.parse(grammar, source), grammars.parse(grammar, source)
    assert (first is None) == (again is None)


def test_what_is_not_parsed_says_why() -> None:
    assert grammars.is_readable(b"a = 1\n") == ""
    assert "larger" in grammars.is_readable(b"a" * (grammars.MAX_SOURCE + 1))
    assert "line" in grammars.is_readable(b"a" * (grammars.MAX_LINE + 1))
    assert grammars.is_readable(b"a\x00b") == "not text"
