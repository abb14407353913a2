"""Which artifacts are read, what a case is called over runs, and what its history says."""

from hookyard.features.testruns.choose import MAX_OTHER, Offered, choose, kind_of_other
from hookyard.features.testruns.keys import Keys, configuration_of
from hookyard.features.testruns.model import Case, RunFacts, Seen
from hookyard.features.testruns.rules import Nature, judge

FACTS = RunFacts(
    "Octo/Hello", 987654321, 1, "Tests", "t.yml", "push", "success", "abcdef0" + "1" * 33, "main",
    "Octo/Hello", "",
)  # fmt: skip


def test_the_newest_of_each_name_is_read_and_wanted_ones_first() -> None:
    offered = [
        Offered(1, "other", 10, 100),
        Offered(2, "autoqa-test-report", 10, 100),
        Offered(3, "Other", MAX_OTHER + 1, 100),
        Offered(4, "other", 10, 200),
        Offered(5, "AutoQA-Test-Report", MAX_OTHER + 1, 50),
    ]
    assert [(c.id, c.wanted) for c in choose(offered, ())] == [(2, True), (5, True), (4, False)]
    assert [c.id for c in choose(offered, ("oth*",))] == [2, 3, 4, 5]


def test_members_of_other_rooms_are_known_by_name() -> None:
    assert kind_of_other("a/code_health.json") == "code_health"
    assert kind_of_other("x\\Lint.SARIF") == "sarif"
    assert kind_of_other("report.xml") is None


def test_a_configuration_leaves_out_what_changes_with_each_run() -> None:
    name = f"results-{FACTS.run_id}-{FACTS.head_sha[:7]}-linux"
    assert configuration_of(FACTS, name, f"{FACTS.head_sha}.xml") == "t.yml|results-*-*-linux|*.xml"


def test_a_key_is_of_every_name_and_of_nothing_else() -> None:
    keys = Keys("Octo/Hello", "t.yml|a|b")
    case = Case("n", "c", "s")
    assert keys.of(case) == Keys("octo/hello", "t.yml|a|b").of(Case("n", "c", "s", time_s=2.0))
    others = [
        Case("m", "c", "s"),
        Case("n", "d", "s"),
        Case("n", "c", "t"),
        Case("n", "c", "s", occurrence=1),
    ]
    made = {keys.of(one) for one in others} | {Keys("octo/other", "t.yml|a|b").of(case)}
    assert keys.of(case) not in made
    assert len(made) == 5


def test_a_history_is_judged_with_its_reason() -> None:
    def seen(*results: tuple[int, int]) -> list[Seen]:
        return [Seen(str(n) * 40, p, f, 0, 100 - n) for n, (p, f) in enumerate(results)]

    assert judge(seen((1, 1))).nature is Nature.FLAKY
    assert judge(seen((2, 0), (1, 1))).nature is Nature.FLAKY
    assert judge(seen((0, 1), (0, 2), (1, 0))).nature is Nature.BROKEN
    assert judge(seen((0, 3), (1, 0))).nature is Nature.FAILING
    assert judge(seen((1, 0), (0, 1), (0, 1))).nature is Nature.STEADY
    verdict = judge(seen((0, 1), (0, 2), (1, 0)))
    assert (verdict.failures, verdict.observed) == (3, 4)
    assert verdict.reason == "it failed on 2 commits and on none of them passed"
