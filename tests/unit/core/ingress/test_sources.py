"""Sources: what starts, and what is refused with the fix."""

import pytest

from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.sources import PlainSecrets, load_sources
from hookyard.kit.errors import ConfigurationError
from hookyard.registry import PROVIDERS_BY_NAME

ENVIRON = {"TEAM_SECRET": "from-the-environment", "BLANK": ""}


def load(text: str | None, *plain: PlainSecrets) -> dict[str, SourceConfig]:
    return {s.id: s for s in load_sources(plain, text, ENVIRON, PROVIDERS_BY_NAME)}


def test_plain_settings_make_a_source_named_after_its_provider() -> None:
    found = load(None, PlainSecrets("github", ("new", "old"), {"app_slug": "bot"}))
    assert found["github"].secrets == (b"new", b"old")
    assert found["github"].options == {"app_slug": "bot"}
    assert found["github"].allow == ()


def test_a_provider_without_a_secret_has_no_source() -> None:
    assert load(None, PlainSecrets("github", (), {})) == {}


def test_a_file_gives_every_part() -> None:
    found = load(
        """
        sources:
          - provider: slack
            id: team-a
            secrets_env: [TEAM_SECRET]
            secrets: [old]
            allow: [U1, "alice", 42]
            repository: octo/garden
            options: {mode: x, strict: true}
          - provider: github
            secrets: [s]
        """
    )
    assert found["team-a"] == SourceConfig(
        "team-a",
        "slack",
        (b"old", b"from-the-environment"),
        {"mode": "x", "strict": "True"},
        ("U1", "alice", "42"),
        "octo/garden",
    )
    assert found["github"].provider == "github"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a list named `sources`"),
        ("sources: []", "expected a list named `sources`"),
        ("[]", "expected a list named `sources`"),
        ("sources:\n - a: [", "line 2: not valid YAML"),
        ("sources: " + "[" * 5_000, "not valid YAML"),
        ("x" * 1_000_001, "larger than 1 MB"),
        ("sources: [5]", "provider must be one of"),
        ("sources: [{provider: gitea, secrets: [s]}]", "provider must be one of"),
        ("sources: [{provider: github, secret: s}]", "no such key 'secret'"),
        ("sources: [{provider: github}]", "has no secret; add `secrets_env"),
        ("sources: [{provider: github, secrets: []}]", "has no secret"),
        ("sources: [{provider: github, secrets: s}]", "secrets must be a list"),
        ("sources: [{provider: github, secrets: ['']}]", "has no secret"),
        ("sources: [{provider: github, secrets: ['  ']}]", "has no secret"),
        ("sources: [{provider: github, secrets: [null]}]", "secrets must be texts"),
        ("sources: [{provider: github, secrets: [ ~, s]}]", "secrets must be texts"),
        ("sources: [{provider: github, secrets: [123456]}]", "secrets must be texts"),
        ("sources: [{provider: github, secrets_env: [GONE]}]", "names GONE, which is not set"),
        ("sources: [{provider: github, secrets_env: [BLANK]}]", "names BLANK, which is not set"),
        ("sources: [{provider: github, secrets_env: TEAM_SECRET}]", "secrets_env must be a list"),
        ("sources: [{provider: github, secrets: [s], id: A_B}]", "id must be lower-case"),
        ("sources: [{provider: github, secrets: [s], id: ../x}]", "id must be lower-case"),
        (f"sources: [{{provider: github, secrets: [s], id: {'a' * 41}}}]", "at most 40"),
        ("sources: [{provider: github, secrets: [s], repository: octo}]", "owner/name"),
        ("sources: [{provider: github, secrets: [s], repository: ../a/b}]", "owner/name"),
        ("sources: [{provider: slack, secrets: [s], allow: alice}]", "allow must be a list"),
        ("sources: [{provider: slack, secrets: [s], allow: [null]}]", "allow must hold names"),
        ("sources: [{provider: slack, secrets: [s], options: [a]}]", "options must be"),
        (
            "sources: [{provider: github, secrets: [s]}, {provider: github, secrets: [t]}]",
            "source 'github' is configured twice",
        ),
    ],
)
def test_a_wrong_file_does_not_start(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(text)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_settings_and_file_may_not_name_the_same_source() -> None:
    with pytest.raises(ConfigurationError, match="give each its own id"):
        load("sources: [{provider: github, secrets: [s]}]", PlainSecrets("github", ("t",), {}))


def test_a_refusal_names_the_entry_and_shows_no_secret() -> None:
    text = "sources: [{provider: jira, id: ops, secrets: [hush-hush], repository: x}]"
    with pytest.raises(ConfigurationError) as refused:
        load(text)
    assert str(refused.value).startswith("HOOKYARD_SOURCES_FILE, source 1 (ops): ")
    assert "hush-hush" not in str(refused.value)


def test_a_source_does_not_show_its_secrets() -> None:
    assert "hush-hush" not in repr(load("sources: [{provider: jira, secrets: [hush-hush]}]"))
