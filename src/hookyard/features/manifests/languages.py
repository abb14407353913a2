"""The languages whose symbols are read, as data: endings, grammar, words of visibility, names.

Grammars are packages of their own (`tree_sitter_…`); `grammars.py` loads one when the first file
of its language is read.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language. `grammar` is (package, function) of its grammar; `queries` names its queries.

    `indented`: blocks are told by indentation, so that it counts when texts are compared.
    `comment` starts a line comment.
    """

    name: str
    endings: tuple[str, ...]
    grammar: tuple[str, str]
    queries: str
    indented: bool = False
    comment: str = "//"
    names: tuple[str, ...] = ()


LANGUAGES = (
    Language(
        "python",
        (".py", ".pyi"),
        ("tree_sitter_python", "language"),
        "python",
        indented=True,
        comment="#",
    ),
    Language(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        ("tree_sitter_javascript", "language"),
        "javascript",
    ),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        ("tree_sitter_typescript", "language_typescript"),
        "typescript",
    ),
    Language("tsx", (".tsx",), ("tree_sitter_typescript", "language_tsx"), "typescript"),
    Language("go", (".go",), ("tree_sitter_go", "language"), "go"),
    Language("java", (".java",), ("tree_sitter_java", "language"), "java"),
    Language(
        "ruby",
        (".rb", ".rake"),
        ("tree_sitter_ruby", "language"),
        "ruby",
        comment="#",
        names=("Rakefile", "Gemfile"),
    ),
    Language("rust", (".rs",), ("tree_sitter_rust", "language"), "rust"),
    Language("c", (".c", ".h"), ("tree_sitter_c", "language"), "c"),
    Language(
        "cpp",
        (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"),
        ("tree_sitter_cpp", "language"),
        "cpp",
    ),
    Language("csharp", (".cs",), ("tree_sitter_c_sharp", "language"), "csharp"),
    Language("php", (".php",), ("tree_sitter_php", "language_php"), "php"),
    Language("kotlin", (".kt", ".kts"), ("tree_sitter_kotlin", "language"), "kotlin"),
    Language("scala", (".scala", ".sc"), ("tree_sitter_scala", "language"), "scala"),
    Language(
        "bash", (".sh", ".bash", ".bats"), ("tree_sitter_bash", "language"), "bash", comment="#"
    ),
)

_BY_ENDING = {ending: language for language in LANGUAGES for ending in language.endings}
_BY_NAME = {name: language for language in LANGUAGES for name in language.names}


def language_of(path: str) -> Language | None:
    """The language of a path, by its name's ending; None when its symbols cannot be read."""
    name = path.rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    found = _BY_ENDING.get(f".{ending.lower()}") if dot and stem else None
    return found or _BY_NAME.get(name)


def family(language: str) -> str:
    """The name under which dialects that test each other are one: TSX is TypeScript."""
    return {"tsx": "javascript", "typescript": "javascript", "c": "cpp"}.get(language, language)


def is_public(language: str, name: str, signature: str) -> bool:
    """Whether a symbol is meant to be used from outside, by the language's own sign."""
    simple = name.rpartition(".")[2]
    words = frozenset(signature.replace("(", " ").split())
    if language in ("python", "bash"):
        return not simple.startswith("_") or (simple.startswith("__") and simple.endswith("__"))
    if language == "go":
        return simple[:1].isupper()
    if language == "rust":
        return any(word.startswith("pub") for word in words)
    if language in ("java", "csharp"):
        return bool(words & {"public", "protected"})
    if language in ("c", "cpp"):
        return "static" not in words
    if language in ("javascript", "typescript", "tsx"):
        return not simple.startswith(("#", "_")) and not words & {"private", "protected"}
    return not words & {"private", "protected", "internal"}
