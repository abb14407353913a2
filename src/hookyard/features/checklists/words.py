"""Words that criteria are announced and written with, as data: labels, columns, leftovers.

To teach a language, add its labels here and its Given/When/Then words in `step_words`. Everything
is lower case, as `text.fold_label` leaves it: no emoji, numbering, markup or trailing colon.
"""

from types import MappingProxyType

CRITERIA_LABELS = frozenset(
    {
        # English
        "acceptance criteria",
        "acceptance criterion",
        "acceptance",
        "ac",
        "acs",
        "a/c",
        "a.c.",
        "definition of done",
        "dod",
        "requirements",
        "functional requirements",
        "done when",
        "success criteria",
        "success criterion",
        "acceptance scenarios",
        "acceptance conditions",
        "conditions of satisfaction",
        # German
        "akzeptanzkriterien",
        "akzeptanzkriterium",
        "abnahmekriterien",
        # French
        "critères d'acceptation",
        "critère d'acceptation",
        # Spanish
        "criterios de aceptación",
        "criterio de aceptación",
        # Portuguese
        "critérios de aceitação",
        "critérios de aceite",
        # Italian
        "criteri di accettazione",
        # Dutch
        "acceptatiecriteria",
        # Polish
        "kryteria akceptacji",
        # Russian
        "критерии приёмки",
        "критерии приемки",
        # Japanese
        "受け入れ条件",
        "受け入れ基準",
        "受入条件",
        "受入基準",
        # Chinese
        "验收标准",
        "验收条件",
        "驗收標準",
        "驗收條件",
        # Korean
        "인수 조건",
        "인수조건",
    }
)

WEAK_LABELS = frozenset(
    {"expected behavior", "expected behaviour", "expected result", "expected results"}
)

TEST_LABELS = frozenset(
    {"test plan", "test scenarios", "test cases", "testing plan", "testing scenarios"}
)

OTHER_LABELS = frozenset(
    {
        "actual behavior",
        "actual behaviour",
        "additional context",
        "additional information",
        "additional notes",
        "anything else",
        "background",
        "context",
        "dependencies",
        "description",
        "implementation notes",
        "links",
        "logs",
        "motivation",
        "notes",
        "open questions",
        "references",
        "related",
        "related issues",
        "screenshots",
        "summary",
        "technical notes",
        "user story",
        "version",
    }
)

# Labels under which not even a task list is read.
NEVER_LABELS = frozenset(
    {
        "before submitting",
        "code of conduct",
        "environment",
        "non goals",
        "non-goals",
        "out of scope",
        "preflight checklist",
        "steps to reproduce",
    }
)

# Prefixes of ids that authors write in front of a criterion: AC-1, FR-001, T4.
AUTHOR_ID_PREFIXES = ("NFR", "REQ", "DOD", "AC", "FR", "SC", "TC", "UC", "US", "R", "T")

LEFTOVERS = frozenset(
    {
        "",
        "-",
        "...",
        "…",
        "?",
        "tbd",
        "todo",
        "n/a",
        "na",
        "none",
        "no response",
        "criterion",
        "criteria",
        "acceptance criterion",
        "acceptance criteria",
        "item",
        "first criterion",
        "second criterion",
        "add criteria here",
    }
)

CONSENT_STARTS = (
    "i have searched",
    "i've searched",
    "i searched",
    "i have read",
    "i've read",
    "i have checked",
    "i've checked",
    "i have looked",
    "i agree",
    "i confirm",
    "i understand",
    "i accept",
    "i acknowledge",
    "i am using the latest",
    "i'm using the latest",
    "i am willing",
    "i'm willing",
    "i would like to work",
    "i will follow",
    "by submitting",
    "this is not a duplicate",
    "there is no existing issue",
    "yes, i",
)

TEXT_COLUMNS = frozenset(
    {
        "criterion",
        "criteria",
        "description",
        "requirement",
        "requirements",
        "condition",
        "statement",
        "expectation",
        "kriterium",
        "critère",
        "criterio",
        "critério",
        "criterium",
        "kryterium",
        "критерий",
        "acceptance criteria",
        "acceptance criterion",
        "expected result",
        "条件",
        "标准",
    }
)
ID_COLUMNS = frozenset({"id", "#", "no", "no.", "nr", "nr.", "ref", "key", "ac"})
DONE_COLUMNS = frozenset({"done", "done?", "status", "checked", "ok", "state", "✓", "✅"})
DONE_VALUES = MappingProxyType(
    {
        "x": True,
        "[x]": True,
        "yes": True,
        "done": True,
        "✓": True,
        "✔": True,
        "✅": True,
        ":white_check_mark:": True,
        "[ ]": False,
        "no": False,
        "open": False,
        "todo": False,
        "❌": False,
        ":x:": False,
    }
)
