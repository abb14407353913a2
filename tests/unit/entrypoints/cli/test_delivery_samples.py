"""Every sample folder, read by the pure code: verified, parsed, its commands found."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.hooks.meaning import (
    PLAIN_SECRET,
    meaning_of,
    sample_meaning,
    source_of,
)
from hookyard.entrypoints.cli.hooks.samples import (
    Moment,
    differences,
    filled,
    find_samples,
    load_sample,
    signed,
)
from hookyard.kit.json import Json
from hookyard.registry import PROVIDERS_BY_NAME

SAMPLES = Path(__file__).parents[3] / "samples"
FOLDERS = find_samples([SAMPLES])
MOMENT = Moment(1_790_000_000_000, "0123456789abcdef" * 2)
ALL = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")


@ALL
def test_a_sample_means_what_it_says(folder: Path) -> None:
    sample = load_sample(folder)
    wanted = {k: v for k, v in sample.expected.items() if k not in ("status", "reason")}
    assert wanted
    assert list(differences(wanted, sample_meaning(sample, MOMENT))) == []


@ALL
def test_a_sample_signed_with_another_secret_is_refused(folder: Path) -> None:
    sample = load_sample(folder)
    other = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI=" if sample.provider == "standard" else "other"
    if sample.options.get("mode") == "signing":
        other = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI="
    found = meaning_of(signed(sample, other, MOMENT), source_of(sample), MOMENT.now_ms)
    assert found == {"refused": "bad_signature", "http": 401}


@ALL
def test_a_sample_sits_in_the_folder_of_its_provider(folder: Path) -> None:
    assert load_sample(folder).provider == folder.parent.name


def test_every_provider_has_a_sample() -> None:
    assert {folder.parent.name for folder in FOLDERS} == set(PROVIDERS_BY_NAME)


def write(folder: Path, request: Json, body: str, expected: Json = None) -> Path:
    """A sample folder."""
    folder.mkdir(parents=True)
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "body.json").write_text(body)
    if expected is not None:
        (folder / "expected.json").write_text(json.dumps(expected))
    return folder


def test_placeholders_become_the_moment(tmp_path: Path) -> None:
    body = '{"at": "{{now_ms}}", "s": "{{now_s}}", "id": "Ev{{unique}}", "text": "at {{now_s}}"}'
    sample = load_sample(write(tmp_path / "a", {"provider": "github"}, body))
    found = json.loads(filled(sample, MOMENT, {}))
    assert found == {
        "at": MOMENT.now_ms,
        "s": MOMENT.now_ms // 1000,
        "id": "Ev" + MOMENT.unique,
        "text": f"at {MOMENT.now_ms // 1000}",
    }


def test_a_change_reaches_its_path_and_no_other(tmp_path: Path) -> None:
    body = '{"installation": {"id": 1}, "other": {"id": 1}}'
    sample = load_sample(write(tmp_path / "a", {"provider": "github"}, body))
    changed = filled(sample, MOMENT, {"installation.id": 42, "missing.id": 7, "other.x.y": 1})
    assert json.loads(changed) == {"installation": {"id": 42}, "other": {"id": 1}}


@pytest.mark.parametrize(
    ("request_json", "body", "said"),
    [
        ({"provider": "gitbucket"}, "{}", "provider must be one of"),
        ({"provider": "github", "secret": "x"}, "{}", "no such key 'secret'"),
        (
            {"provider": "github", "headers": {"X-Hub-Signature": "sha1=0"}},
            "{}",
            "made when the sample is sent",
        ),
        ({"provider": "github"}, "{", "body.json"),
    ],
)
def test_a_sample_that_cannot_be_used_says_why(
    tmp_path: Path, request_json: Json, body: str, said: str
) -> None:
    folder = write(tmp_path / "a", request_json, body)
    with pytest.raises(Failed, match=said):
        filled(load_sample(folder), MOMENT, {})


def test_a_folder_without_samples_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="holds no sample"):
        find_samples([tmp_path])


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"b": 2}, ["a: expected 1, found null"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 3}]}, ["a[0].b: expected 1, found 2"]),
        ({"a": []}, {"a": [1]}, ["a: expected [], found [1]"]),
        ({"a": None}, {"a": "x"}, ['a: expected null, found "x"']),
    ],
)
def test_differences_name_the_place(expected: Json, found: Json, said: list[str]) -> None:
    assert list(differences(expected, found)) == said


def test_offline_replay_of_a_wrong_expectation_ends_with_1(run, tmp_path: Path) -> None:
    body = (
        '{"action": "opened", "repository": {"full_name": "octo/garden"}, "issue": {"number": 1}}'
    )
    request: Json = {"provider": "github", "event": "issues"}
    write(tmp_path / "github" / "wrong", request, body, {"event": "push"})
    found: Result = run("hooks", "replay", "--offline", str(tmp_path))
    assert found.exit_code == 1
    assert 'event: expected "push", found "issues"' in found.stdout
    assert found.stderr == "hookyard: 1 of 1 samples did not end as expected\n"


def test_a_request_verifies_only_by_its_own_secret() -> None:
    sample = load_sample(SAMPLES / "github" / "ping")
    assert source_of(sample).secrets == (PLAIN_SECRET.encode(),)
