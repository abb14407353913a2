"""Which test framework a repository uses for a language: by its files, else by custom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from hookyard.features.manifests.languages import family

# Files that are read for it, from the root of the repository.
CONFIG_FILES = ("package.json", "pyproject.toml", "pom.xml", "build.gradle", "build.gradle.kts")


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework and what it was told by."""

    name: str
    why: str


# (framework, names of files that show it, (file, word in it) pairs that show it)
_Sign = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]
_SIGNS: Mapping[str, tuple[_Sign, ...]] = {
    "python": (("pytest", ("conftest.py", "pytest.ini"), (("pyproject.toml", "pytest"),)),),
    "javascript": (
        (
            "vitest",
            ("vitest.config.ts", "vitest.config.js", "vitest.config.mts"),
            (("package.json", '"vitest"'),),
        ),
        ("jest", ("jest.config.js", "jest.config.ts"), (("package.json", '"jest"'),)),
        ("mocha", (".mocharc.json", ".mocharc.js", ".mocharc.yml"), (("package.json", '"mocha"'),)),
        ("node:test", (), (("package.json", "node --test"),)),
        ("jasmine", ("jasmine.json",), (("package.json", '"jasmine'),)),
    ),
    "java": (
        ("junit5", (), (("pom.xml", "junit-jupiter"), ("build.gradle", "jupiter"))),
        ("junit4", (), (("pom.xml", "<artifactId>junit</artifactId>"),)),
        ("testng", ("testng.xml",), (("pom.xml", "testng"),)),
    ),
    "ruby": (("rspec", (".rspec", "spec_helper.rb"), ()), ("minitest", ("test_helper.rb",), ())),
    "cpp": (("googletest", (), ()),),
}
_CUSTOM = {
    "python": "pytest",
    "javascript": "jest",
    "go": "testing",
    "java": "junit5",
    "ruby": "rspec",
    "rust": "cargo test",
    "cpp": "googletest",
    "csharp": "xunit",
    "php": "phpunit",
    "kotlin": "junit5",
    "scala": "scalatest",
    "bash": "bats",
}


def framework_of(language: str, names: frozenset[str], texts: Mapping[str, str]) -> Framework:
    """`names` are base names of the repository's files, `texts` those of CONFIG_FILES it has."""
    kind = family(language)
    for framework, files, words in _SIGNS.get(kind, ()):
        for file in files:
            if file in names:
                return Framework(framework, f"the repository has {file}")
        for file, word in words:
            if word in texts.get(file, ""):
                return Framework(framework, f"{file} names it")
    custom = _CUSTOM.get(kind, "")
    return Framework(custom, f"usual for {kind}" if custom else "no framework is known")
