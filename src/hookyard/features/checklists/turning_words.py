"""Words and signs that turn a meaning round though few letters change, as data; lower case.

Used by `rewrite` to tell a material rewrite from a correction.
"""

from collections.abc import Mapping
from types import MappingProxyType

# fmt: off
NEGATIONS = frozenset({
    "not", "no", "never", "without", "none", "nor", "neither", "nobody", "nothing", "nowhere",
    "hardly", "except", "unless", "only", "non",
    "nicht", "kein", "keine", "keinen", "keinem", "keiner", "nie", "niemals", "ohne", "außer",
    "nur",
    "ne", "pas", "jamais", "sans", "aucun", "aucune", "sauf", "seulement",
    "nunca", "sin", "ningún", "ninguna", "salvo", "solo", "sólo",
    "não", "sem", "nenhum", "nenhuma", "exceto", "apenas",
    "mai", "senza", "nessun", "nessuna", "eccetto", "soltanto",
    "niet", "geen", "nooit", "zonder", "behalve", "alleen",
    "nigdy", "bez", "żaden", "żadna", "tylko",
    "не", "нет", "ни", "никогда", "без", "кроме", "только",
})
MODALS = frozenset({
    "must", "shall", "should", "may", "might", "can", "could", "will", "would", "ought", "need",
    "needs", "required", "optional", "recommended",
    "muss", "müssen", "soll", "sollen", "sollte", "sollten", "darf", "dürfen", "kann", "können",
    "könnte", "doit", "doivent", "devrait", "peut", "peuvent", "pourrait",
    "debe", "deben", "debería", "puede", "pueden", "podría",
    "deve", "devem", "deveria", "pode", "podem", "poderia",
    "devono", "dovrebbe", "può", "possono", "potrebbe",
    "moet", "moeten", "zou", "mag", "mogen", "kan", "kunnen",
    "musi", "muszą", "powinien", "powinna", "może", "mogą",
    "должен", "должна", "должно", "должны", "может", "могут", "следует",
})
# why: these languages put no space between words, so their marks are looked for anywhere.
UNSPACED_NEGATIONS = (
    "ない", "ません", "なし", "以外", "不", "没", "沒", "无", "無", "未", "非",
    "않", "없", "못", "금지", "아니",
)
UNSPACED_MODALS = (
    "べき", "必須", "てもよい", "でもよい", "できる", "必须", "应该", "應該", "可以", "可能",
    "해야", "수 있", "하여야", "권장",
)
# fmt: on

# Longer forms stand for the word they are made of.
SAME_AS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cannot": ("can", "not"),
        "can't": ("can", "not"),
        "won't": ("will", "not"),
        "shan't": ("shall", "not"),
    }
)

# why: a change of unit changes the number as much as a change of digits does.
UNITS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), "ms"),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
        **dict.fromkeys(("d", "day", "days"), "d"),
        **dict.fromkeys(("week", "weeks"), "week"),
        **dict.fromkeys(("month", "months"), "month"),
        **dict.fromkeys(("year", "years"), "year"),
        **dict.fromkeys(("b", "byte", "bytes"), "b"),
    }
    | {unit: unit for unit in ("kb", "kib", "mb", "mib", "gb", "gib", "tb", "tib", "px", "em")}
    | {unit: unit for unit in ("rem", "pt", "cm", "mm", "km", "kg", "g", "m", "k")}
    | {unit: unit for unit in ("usd", "eur", "gbp", "%", "€", "$", "£", "°")}
)
NUMBER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        word: str(number)
        for number, word in enumerate(
            ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
        )
    }
    | {
        "once": "1",
        "twice": "2",
        "eleven": "11",
        "twelve": "12",
        "twenty": "20",
        "hundred": "100",
        "thousand": "1000",
    }
)

OPPOSITES: tuple[tuple[str, str], ...] = (
    ("least", "most"), ("more", "less"), ("more", "fewer"), ("over", "under"), ("above", "below"),
    ("before", "after"), ("minimum", "maximum"), ("min", "max"), ("all", "any"), ("all", "some"),
    ("every", "some"), ("each", "some"), ("and", "or"), ("both", "either"), ("first", "last"),
    ("enable", "disable"), ("allow", "deny"), ("allow", "forbid"), ("allow", "block"),
    ("accept", "reject"), ("accept", "refuse"), ("grant", "revoke"), ("show", "hide"),
    ("shown", "hidden"), ("open", "close"), ("succeed", "fail"), ("success", "failure"),
    ("pass", "fail"), ("on", "off"), ("true", "false"), ("yes", "no"), ("increase", "decrease"),
    ("ascending", "descending"), ("left", "right"), ("add", "remove"), ("always", "sometimes"),
    ("public", "private"), ("read", "write"), ("up", "down"), ("online", "offline"),
    ("include", "exclude"), ("with", "without"), ("start", "stop"), ("lock", "unlock"),
    ("keep", "drop"), ("keep", "delete"), ("create", "delete"),
    ("und", "oder"), ("vor", "nach"), ("et", "ou"), ("avant", "après"), ("y", "o"),
    ("antes", "después"), ("antes", "depois"), ("e", "ou"), ("e", "o"), ("prima", "dopo"),
    ("en", "of"), ("voor", "na"), ("i", "lub"), ("przed", "po"), ("и", "или"), ("до", "после"),
)  # fmt: skip
OPPOSITE_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "de", "mis")
SIGNS = "<>≤≥≠=±"
