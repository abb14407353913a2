"""Words that stand around criteria, as data: other labels, columns, leftovers, consent, ids.

Everything is lower case, without emoji, numbering, markup or closing colon. The labels of
criteria themselves are in `label_words`.
"""

from types import MappingProxyType

OTHER_LABELS = frozenset({
    "actual behavior", "actual behaviour", "actual result", "actual results", "additional context",
    "additional information", "additional notes", "anything else", "background", "context",
    "dependencies", "description", "further information", "implementation notes",
    "implementation plan", "links", "logs", "mockups", "motivation", "notes", "open questions",
    "references", "related", "related issues", "resources", "screenshots", "see also", "summary",
    "technical details", "technical notes", "user story", "version",
    "beschreibung", "hintergrund", "hinweise", "notizen", "kontext", "offene fragen",
    "contexte", "notes techniques", "descripción", "contexto", "notas", "descrição", "descrizione",
    "contesto", "omschrijving", "opmerkingen", "opis", "uwagi", "описание", "контекст", "заметки",
    "примечания", "概要", "背景", "説明", "備考", "描述", "说明", "备注", "설명", "배경", "참고",
})  # fmt: skip

# Labels under which not even a task list is read.
NEVER_LABELS = frozenset({
    "before submitting", "before you submit", "code of conduct", "environment", "non goals",
    "non-goals", "not in scope", "out of scope", "preflight checklist", "pre-flight checklist",
    "pre-submission checklist", "prerequisites", "reproduction steps", "steps to reproduce",
    "how to reproduce", "terms", "contribution",
    "außerhalb des umfangs", "nicht im umfang", "nicht-ziele", "umgebung",
    "schritte zum nachstellen",
    "hors périmètre", "environnement", "étapes pour reproduire", "fuera de alcance", "entorno",
    "pasos para reproducir", "fora do escopo", "ambiente", "passos para reproduzir", "fuori ambito",
    "buiten scope", "omgeving", "poza zakresem", "środowisko", "вне рамок", "окружение",
    "шаги воспроизведения", "対象外", "環境", "再現手順", "范围外", "环境", "复现步骤",
    "범위 외", "환경", "재현 방법",
})  # fmt: skip

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
        "add more as needed",
        "your criteria here",
        "describe the criterion",
        "describe acceptance criteria here",
    }
)
# Nouns that a template counts: "Criterion 1".
LEFTOVER_NOUNS = (
    "(?:acceptance )?criterion", "(?:acceptance )?criteria", "item", "requirement", "ac", "task",
    "test", "test case", "condition", "scenario", "kriterium", "akzeptanzkriterium", "critère",
    "criterio", "critério", "criterium", "kryterium", "критерий", "条件", "基準", "标准", "조건",
)  # fmt: skip
# What may stand between the holes of a sentence that nobody filled in.
AROUND_HOLES = frozenset({
    "given", "when", "then", "and", "the", "a", "an", "i", "as", "want", "to", "so", "that", "if",
    "user", "system", "shall", "must", "should", "while", "where",
    "angenommen", "wenn", "dann", "und", "étant", "donné", "quand", "alors", "et",
    "dado", "cuando", "quando", "entonces", "então", "y", "e",
})  # fmt: skip
# What in brackets before or after an item takes it out of the list.
OUT_OF_SCOPE = frozenset({
    "out of scope", "not in scope", "won't do", "wont do", "won't fix", "wontfix", "descoped",
    "n/a", "not applicable", "dropped", "removed", "deferred", "postponed", "cancelled", "canceled",
    "waived",
    "nicht im umfang", "außerhalb des umfangs", "entfällt", "verschoben", "hors périmètre",
    "hors scope", "fuera de alcance", "fora do escopo", "fuori ambito", "buiten scope",
    "poza zakresem", "вне рамок", "対象外", "范围外", "不做", "제외", "범위 외",
})  # fmt: skip

CONSENT_STARTS = (
    "i have ", "i've ", "i searched", "i read", "i checked", "i looked", "i verified", "i tried",
    "i agree", "i confirm", "i understand", "i accept", "i acknowledge", "i consent", "i certify",
    "i am using", "i'm using", "i am willing", "i'm willing", "i am aware", "i'm aware", "i am not",
    "i'm not", "i would like to", "i'd like to", "i would be willing", "i'd be willing",
    "i want to work", "i want to contribute", "i will follow", "i will abide", "by submitting",
    "by checking this", "this is not a duplicate", "this issue is not a duplicate",
    "there is no existing issue", "yes, i", "no, i",
    "ich habe ", "ich stimme", "ich bestätige", "j'ai ", "j'accepte", "je confirme", "he leído",
    "he buscado", "acepto ", "confirmo ", "li e ", "eu li", "concordo", "ho letto", "ho cercato",
    "ik heb ", "przeczytał", "я прочитал", "я согласен", "我已", "我同意", "我确认", "同意します",
    "確認しました",
)  # fmt: skip
CONSENT_PHRASES = (
    "code of conduct", "existing issues", "contributing guidelines", "contributing guide",
    "privacy policy", "terms of service", "verhaltenskodex", "行动准则", "行为准则", "行動規範",
)  # fmt: skip

TEXT_COLUMNS = frozenset({
    "criterion", "criteria", "description", "requirement", "requirements", "condition",
    "statement", "expectation", "acceptance criteria", "acceptance criterion", "expected result",
    "expected", "expected behavior", "expected behaviour", "scenario", "behavior", "behaviour",
    "what", "details",
    "kriterium", "beschreibung", "anforderung", "critère", "critères", "exigence", "criterio",
    "criterios", "descripción", "requisito", "critério", "critérios", "descrição", "criteri",
    "descrizione", "criterium", "beschrijving", "kryterium", "opis", "критерий", "описание",
    "требование", "条件", "基準", "受け入れ条件", "受け入れ基準", "内容", "説明", "标准",
    "验收标准", "描述", "標準", "조건", "기준", "설명",
})  # fmt: skip
ID_COLUMNS = frozenset({
    "id", "ids", "#", "no", "no.", "nr", "nr.", "n°", "nº", "№", "ref", "ref.", "key", "ac", "num",
    "number", "criterion id", "kennung", "番号", "编号", "編號", "번호",
})  # fmt: skip
DONE_COLUMNS = frozenset({
    "done", "done?", "status", "checked", "ok", "state", "✓", "✅", "☑", "complete", "completed",
    "erledigt", "fertig", "fait", "état", "hecho", "estado", "feito", "fatto", "stato", "klaar",
    "gotowe", "готово", "статус", "状態", "完了", "状态", "完成", "상태", "완료",
})  # fmt: skip
DONE_VALUES = MappingProxyType(
    dict.fromkeys(
        (
            "x", "[x]", "yes", "y", "done", "true", "ok", "complete", "completed", "passed",
            "✓", "✔", "✔️", "✅", "☑", "☑️", ":white_check_mark:", ":heavy_check_mark:",
            ":ballot_box_with_check:", "ja", "erledigt", "fertig", "oui", "fait", "sí", "hecho",
            "sim", "feito", "sì", "fatto", "klaar", "tak", "gotowe", "да", "готово", "はい", "済",
            "完了", "是", "完成", "已完成", "예", "완료",
        ),
        True,
    )
    | dict.fromkeys(
        (
            "[ ]", "no", "n", "open", "todo", "to do", "false", "pending", "in progress", "wip",
            "failed", "❌", "✗", "✘", "☐", ":x:", "nein", "offen", "non", "à faire", "pendiente",
            "não", "pendente", "da fare", "nee", "nie", "нет", "いいえ", "未", "未完了", "否",
            "未完成", "아니요", "미완료",
        ),
        False,
    )
)  # fmt: skip
