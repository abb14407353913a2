"""The doctor finds what is wrong, says the fix, shows no secret, and ends with 1 only then."""

import json
import sys
from pathlib import Path

import pytest

from hookyard.entrypoints.cli.doctor.origins import shown
from hookyard.kit.secret import Secret
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.sandbox import one_key

GOOD = "0123456789abcdef0123456789abcdef"
NAMES = ("level", "detail", "fix")


def checks(run, **environ: str) -> dict[str, tuple[str, str, str]]:
    """Each check's level, detail and fix; the exit code must fit them."""
    found = run("doctor", "--json", **environ)
    told = json.loads(found.stdout)["checks"]
    assert found.exit_code == (1 if any(c["level"] == "bad" for c in told) else 0)
    assert all(bool(c["fix"]) == (c["level"] != "ok") for c in told)
    return {c["name"]: tuple(c[name] for name in NAMES) for c in told}


def test_an_empty_folder_is_no_failure(run, tmp_path: Path) -> None:
    found = checks(run)
    assert found["data folder"][0] == "ok"
    assert found["sources"][0] == found["GitHub App"][0] == "warn"
    assert list(tmp_path.iterdir()) == []


def test_values_come_with_their_origin_and_without_secrets(run, tmp_path: Path) -> None:
    (tmp_path / "hookyard.toml").write_text('port = 9000\n[github]\napp_slug = "from-toml"\n')
    (tmp_path / ".env").write_text("HOOKYARD_GITHUB_APP_SLUG=from-dotenv\nLOG_LEVEL=debug\n")
    (tmp_path / "secret").write_text(f"{GOOD}\n")
    found = run(
        "doctor",
        "--json",
        GITHUB_WEBHOOK_SECRET_FILE=str(tmp_path / "secret"),
        JIRA_WEBHOOK_SECRET=f"{GOOD}1,{GOOD}2",
        DATABASE_URL="postgresql://me:hush-hush@db.example:5433/yard",
        HOOKYARD_AGENT_COMMAND="agent --token ghp_" + "a" * 36,
    )
    told = {s["name"]: (s["value"], s["from"]) for s in json.loads(found.stdout)["settings"]}
    assert told["HOOKYARD_PORT"] == ("9000", "HOOKYARD_PORT (hookyard.toml)")
    assert told["HOOKYARD_GITHUB_APP_SLUG"] == ("from-dotenv", "HOOKYARD_GITHUB_APP_SLUG (.env)")
    assert told["HOOKYARD_LOG_LEVEL"] == ("debug", "LOG_LEVEL (.env)")
    assert told["HOOKYARD_HOST"] == ("127.0.0.1", "default")
    assert told["HOOKYARD_GITHUB_WEBHOOK_SECRET"] == (
        "***", "GITHUB_WEBHOOK_SECRET_FILE (environment)",
    )  # fmt: skip
    assert told["HOOKYARD_JIRA_WEBHOOK_SECRET"][0] == "2 × ***"
    assert told["HOOKYARD_DATABASE_URL"][0] == "postgresql://me:***@db.example:5433/yard"
    for secret in (GOOD, "hush-hush", "ghp_aaa"):
        assert secret not in found.output


def test_a_secret_that_is_no_address_is_masked_whole() -> None:
    assert shown(Secret("postgres-looking://[bad")) == "***"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HOOKYARD_PORT": "many"}, "HOOKYARD_PORT: cannot be read"),
        ({"PORT": "70000"}, "PORT: must be a port between 0 and 65535"),
        ({"HOOKYARD_LANES": "fast"}, "HOOKYARD_LANES: must be some of critical"),
        ({"GITHUB_APP_ID": "1"}, "GITHUB_PRIVATE_KEY is missing"),
        ({"HOOKYARD_AGENT_COMMAND": "'open"}, "must be a command line whose quotes are closed"),
        ({"HOOKYARD_RETENTION_DAYS": "3"}, "must be at least 7"),
        ({"GITHUB_PRIVATE_KEY_FILE": "nowhere.pem"}, "GITHUB_PRIVATE_KEY_FILE: cannot read"),
    ],
)
def test_a_wrong_setting_is_named(run, environ: dict[str, str], said: str) -> None:
    level, detail, _ = checks(run, **environ)["settings"]
    assert level == "bad"
    assert said in detail


@pytest.mark.parametrize(
    ("secret", "said"),
    [("short", "can be guessed"), ("changeme", "can be guessed"), (f"{GOOD},x", "secret 2")],
)
def test_a_weak_secret_is_found(run, secret: str, said: str) -> None:
    level, detail, _ = checks(run, GITHUB_WEBHOOK_SECRET=secret)["source github"]
    assert level == "bad"
    assert said in detail


def sources(tmp_path: Path, text: str) -> dict[str, str]:
    """The setting for a sources file of this text."""
    (tmp_path / "sources.yml").write_text(text)
    return {"HOOKYARD_SOURCES_FILE": str(tmp_path / "sources.yml")}


def test_a_standard_secret_that_is_not_base64_is_found(run, tmp_path: Path) -> None:
    text = "sources: [{id: shop, provider: standard, secrets: ['whsec_this is not it!']}]"
    level, detail, fix = checks(run, **sources(tmp_path, text))["source shop"]
    assert (level, fix != "") == ("bad", True)
    assert "not base64" in detail


def test_a_sound_source_shows_the_address_to_give_its_provider(run, tmp_path: Path) -> None:
    text = f"sources: [{{id: shop, provider: jira, secrets: [{GOOD}], allow: [mia]}}]"
    environ = sources(tmp_path, text) | {"HOOKYARD_PUBLIC_URL": "https://yard.example/"}
    found = checks(run, **environ)
    assert found["source shop"] == ("ok", "https://yard.example/webhooks/jira/shop", "")
    assert found["public URL"][0] == "ok"


def test_an_unknown_way_of_proof_and_an_empty_list_of_people(run, tmp_path: Path) -> None:
    text = f"sources: [{{provider: jira, secrets: [{GOOD}], options: {{mode: magic}}}}]"
    found = run("doctor", **sources(tmp_path, text))
    assert "no such mode 'magic'" in found.stdout
    assert "nobody may give commands" in found.stdout


def test_a_folder_open_to_others_and_a_readable_key(run, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o755)
    (tmp_path / "d" / "admin.key").write_text("x" * 40)
    (tmp_path / "d" / "admin.key").chmod(0o644)
    (tmp_path / "d").chmod(0o755)
    found = checks(run, HOOKYARD_DATA_DIR="d")
    assert found["data folder"] == ("bad", "d is open to others (mode 0755)", "chmod 700 d")
    assert found["admin.key"][2] == "chmod 600 d/admin.key"


def test_a_database_that_is_there_and_one_that_is_broken(run, tmp_path: Path) -> None:
    assert run("migrate", HOOKYARD_DATA_DIR="d").exit_code == 0
    level, detail, _ = checks(run, HOOKYARD_DATA_DIR="d")["database"]
    assert (level, detail.startswith("schema ")) == ("ok", True)
    (tmp_path / "d" / "hookyard.db").write_bytes(b"no database" * 500)
    assert checks(run, HOOKYARD_DATA_DIR="d")["database"][0] == "bad"


def test_a_postgres_nobody_answers_for(run) -> None:
    level, detail, _ = checks(run, DATABASE_URL="postgresql://u:hush-hush@127.0.0.1:1/x")[
        "database"
    ]
    assert level == "bad"
    assert "hush" not in detail


def test_an_agent_that_is_not_on_path(run) -> None:
    assert checks(run, HOOKYARD_AGENT_COMMAND="no-such-agent -x")["agent command"][0] == "bad"
    found = checks(run, HOOKYARD_AGENT_COMMAND=f"{sys.executable} -m agent")["agent command"]
    assert found[0] == "ok"


def test_an_app_github_knows_and_one_it_does_not(run) -> None:
    with Sandbox() as sandbox:
        app = sandbox.register_app(private_key=one_key())
        known = {
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_PRIVATE_KEY": app.private_key,
            "GITHUB_API_BASE_URL": sandbox.base_url,
        }
        found = checks(run, **known, GITHUB_APP_SLUG=app.slug)
        assert found["GitHub App"] == ("ok", f"{app.slug} at {sandbox.base_url}", "")
        assert found["clock"][0] == "ok"
        assert checks(run, **known)["GitHub App"][2] == f"set GITHUB_APP_SLUG={app.slug}"
        assert checks(run, **known, GITHUB_APP_SLUG="other")["GitHub App"][0] == "bad"
        stranger = checks(run, **{**known, "GITHUB_APP_ID": "999999"})
        assert stranger["GitHub App"][0] == "bad"
        sandbox.skew(600)
        level, detail, _ = checks(run, **known)["clock"]
        assert (level, "+600 s" in detail or "+599 s" in detail) == ("bad", True)
    gone = checks(run, **known)["GitHub App"]
    assert gone[0] == "bad"


def test_a_key_that_is_none(run) -> None:
    found = checks(run, GITHUB_APP_ID="1", GITHUB_PRIVATE_KEY="not a key")["GitHub App"]
    assert found[0] == "bad"
    assert "not an RSA private key" in found[1]
