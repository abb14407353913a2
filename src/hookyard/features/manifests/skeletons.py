"""Names and skeletons of suggested tests, in a form that fits the language and carries the id.

Where a test's name is free text it is `T3::words`; where it is an identifier, `test_T3_words`.
Both are read back from CI's reports as evidence for criterion T3.
"""

import re
import unicodedata

from hookyard.features.manifests.languages import family

MAX_WORDS = 8
MAX_SLUG = 60
_PLACE = re.compile(r"\{(?:name|text|about|suite)\}")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a sentence or an identifier, lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text[:2000]).encode("ascii", "ignore").decode()
    return tuple(part.lower() for word in _WORDS.findall(plain) for part in _CAMEL.findall(word))


def slug(*texts: str) -> tuple[str, ...]:
    """The words of the first text that has any, bounded; ("behaviour",) when none has."""
    for text in texts:
        found: list[str] = []
        for word in words_of(text):
            if len(found) == MAX_WORDS or len("_".join([*found, word])) > MAX_SLUG:
                break
            found.append(word)
        if found:
            return tuple(found)
    return ("behaviour",)


def test_name(language: str, key: str, words: tuple[str, ...]) -> str:
    """The test's name. `key` is the criterion's id as tests carry it (`T3`, `42/T3`), or ""."""
    snake, spaced = "_".join(words), " ".join(words)
    pascal = "".join(word.capitalize() for word in words)
    camel = pascal[:1].lower() + pascal[1:]
    kind = family(language)
    mark = _identifier_key(key)
    if kind in ("javascript", "ruby", "scala", "bash", ""):
        return f"{key}::{spaced}" if key else spaced
    if kind == "python" or kind == "php":
        return f"test_{mark}{snake}"
    if kind == "rust":
        return f"test_{mark.lower()}{snake}"
    if kind == "go":
        return f"Test_{mark}{pascal}" if key else f"Test{pascal}"
    if kind in ("csharp", "cpp"):
        return f"Test_{mark}{pascal}"
    return f"test_{mark}{camel}"


def _identifier_key(key: str) -> str:
    """`T3_`; an id with its issue (`42/T3`) keeps only the id, which is all a name can hold."""
    return f"{key.rpartition('/')[2]}_" if key else ""


_TEMPLATES = {
    "python": 'def {name}():\n    raise AssertionError("{about}")\n',
    "javascript": 'test("{text}", () => {\n  throw new Error("{about}");\n});\n',
    "go": 'func {name}(t *testing.T) {\n\tt.Fatal("{about}")\n}\n',
    "java": '@Test\nvoid {name}() {\n    fail("{about}");\n}\n',
    "kotlin": '@Test\nfun {name}() {\n    fail("{about}")\n}\n',
    "ruby": 'test "{text}" do\n  raise "{about}"\nend\n',
    "rspec": 'it "{text}" do\n  raise "{about}"\nend\n',
    "rust": '#[test]\nfn {name}() {\n    panic!("{about}");\n}\n',
    "cpp": 'TEST({suite}, {name}) {\n  FAIL() << "{about}";\n}\n',
    "csharp": '[Fact]\npublic void {name}()\n{\n    Assert.Fail("{about}");\n}\n',
    "php": 'public function {name}(): void\n{\n    $this->fail("{about}");\n}\n',
    "scala": 'test("{text}") {\n  fail("{about}")\n}\n',
    "bash": '@test "{text}" {\n  echo "{about}" >&2\n  return 1\n}\n',
}


def skeleton(language: str, framework: str, name: str, subject: str) -> str:
    """A test that fails until it is written. `subject` is the symbol it is about, or ""."""
    template = _TEMPLATES.get(framework) or _TEMPLATES.get(family(language), "")
    about = f"write this test: {subject}" if subject else "write this test"
    values = {
        "{name}": name,
        "{text}": _quoted(name),
        "{about}": _quoted(about),
        "{suite}": "".join(word.capitalize() for word in slug(subject)),
    }
    return _PLACE.sub(lambda match: values[match[0]], template)


def _quoted(text: str) -> str:
    """A text that can stand between double quotes in any of these languages."""
    return re.sub(r"[^A-Za-z0-9 :./_()#,<>=!?-]", "", text)[:160]
