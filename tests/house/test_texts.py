"""No committed file names a registry, a path of one machine, or work left undone."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.house import texts
from tests.house.tree import ROOT, Source, load, tracked

Files = Callable[[Path, Iterable[Path]], list[str]]
Rule = Callable[[Iterable[Source]], list[str]]


def test_no_registry_address_is_committed() -> None:
    assert texts.registry_addresses(ROOT, tracked()) == []


def test_no_machine_path_is_committed() -> None:
    assert texts.machine_paths(ROOT, tracked()) == []


def test_nothing_is_left_undone() -> None:
    assert texts.unfinished(load()) == []


def test_every_silencer_names_what_it_silences() -> None:
    assert texts.bare_silencers(load()) == []


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (texts.registry_addresses, "see https://py" + "pi.org/project/x"),
        (texts.registry_addresses, '"reso' + 'lved": "https://a/b.tgz"'),
        (texts.registry_addresses, "--extra-" + "index-url=x"),
        (texts.registry_addresses, "https://registry.npm" + "js.org/x"),
        (texts.machine_paths, "open('/wo" + "rk/main/x')"),
        (texts.machine_paths, "cd /ro" + "ot"),
        (texts.machine_paths, "DIR=/ho" + "me/ada/src"),
        (texts.machine_paths, "/tmp/hook" + "yard-1/x"),
    ],
)
def test_bad_line_is_found(tmp_path: Path, rule: Files, line: str) -> None:
    (tmp_path / "a.md").write_text(f"fine\n{line}\n")
    found = rule(tmp_path, tracked(tmp_path))
    assert len(found) == 1
    assert found[0].startswith("a.md:2: ")


@pytest.mark.parametrize(
    "line",
    [
        "/home/runner/" + "work/app/app/tests.xml",
        "~/work/x",
        "https://example.org/work/root",
        "rootless /workers /rooted",
        "$HOME/work",
    ],
)
def test_good_path_is_let_through(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.md").write_text(line + "\n")
    assert texts.machine_paths(tmp_path, tracked(tmp_path)) == []


def test_built_and_binary_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/a.js").write_text("cd /ro" + "ot")
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe /ro" + b"ot ")
    assert texts.machine_paths(tmp_path, tracked(tmp_path)) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (texts.unfinished, "x = 1  # TO" + "DO later"),
        (texts.unfinished, "def f():\n    raise NotImplemented" + "Error"),
        (texts.bare_silencers, "x = 1  # type: " + "ignore"),
        (texts.bare_silencers, "x = 1  # no" + "qa"),
    ],
)
def test_bad_code_is_found(tmp_path: Path, rule: Rule, text: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(text + "\n")
    assert len(rule(load(tmp_path, "src"))) == 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (texts.unfinished, "x = 'a TO" + "DO list of a pull request'"),
        (texts.bare_silencers, "x = 1  # type: ignore[arg-type]"),
        (texts.bare_silencers, "x = 1  # noqa: S603"),
    ],
)
def test_good_code_is_let_through(tmp_path: Path, rule: Rule, text: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(text + "\n")
    assert rule(load(tmp_path, "src")) == []
