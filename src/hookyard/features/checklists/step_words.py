"""The words Given/When/Then are written with, by language, as data; everything lower case.

Order of the rows: English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian.
"""

# fmt: off
GIVEN = frozenset({
    "given",
    "angenommen", "gegeben",
    "étant", "soit",
    "dado", "dada", "dados", "dadas",
    "dato", "data", "dati", "date",
    "gegeven", "stel",
    "zakładając", "mając",
    "допустим", "дано", "пусть",
})
WHEN = frozenset({
    "when",
    "wenn",
    "quand", "lorsque", "lorsqu",
    "cuando", "quando",
    "als", "wanneer",
    "jeżeli", "jeśli", "kiedy", "gdy",
    "если", "когда",
})
THEN = frozenset({
    "then",
    "dann",
    "alors",
    "entonces", "então",
    "allora",
    "dan",
    "wtedy",
    "тогда", "то",
})
AND = frozenset({
    "and", "but",
    "und", "aber",
    "et", "mais",
    "y", "e", "pero", "mas", "ma",
    "en", "maar",
    "i", "oraz", "ale",
    "и", "но", "а",
    "*",
})
# fmt: on

# why: these languages put no space after the word, so a step starts with it.
UNSPACED_GIVEN = ("前提", "假如", "假设", "먼저", "조건")
UNSPACED_WHEN = ("もし", "当", "만일", "만약")
UNSPACED_THEN = ("ならば", "那么", "그러면")
UNSPACED_AND = ("かつ", "しかし", "并且", "而且", "但是", "그리고", "하지만")

SCENARIO_HEADS = frozenset(
    {
        "scenario",
        "scenario outline",
        "scenario template",
        "example",
        "szenario",
        "szenariogrundriss",
        "scénario",
        "plan du scénario",
        "escenario",
        "esquema del escenario",
        "cenário",
        "esquema do cenário",
        "schema dello scenario",
        "abstract scenario",
        "scenariusz",
        "сценарий",
        "структура сценария",
        "シナリオ",
        "场景",
        "시나리오",
    }
)
FEATURE_HEADS = frozenset(
    {"feature", "rule", "funktionalität", "fonctionnalité", "функция", "機能"}
)
BACKGROUND_HEADS = frozenset({"background", "grundlage", "contexte", "antecedentes", "предыстория"})
