"""The words Given/When/Then are written with, by language, as data; everything lower case.

A keyword of several words stands by its first, or among the openings when that says too little.
The rows go by the codes of the languages, English first.
Words that mean another step elsewhere, or begin ordinary sentences in English, are left out.
"""

# fmt: off
GIVEN = frozenset({
    "given",
    "gegewe", "بفرض", "дадено", "donat", "donada", "donats", "atès", "atesa",
    "pokud", "givet", "angenommen", "gegeben", "δεδομένου", "dado", "dada",
    "dados", "dadas", "eeldades", "oletetaan", "étant", "etant", "soit",
    "בהינתן", "zadan", "zadani", "zadano", "ukoliko",
    "amennyiben", "adott", "dengan", "diketahui", "dato", "data", "dati", "date",
    "duota", "дадена", "gitt", "gegeven", "stel", "zakładając", "mając", "mamy",
    "dat", "dați", "допустим", "дано", "пусть", "pokiaľ", "dano", "podano",
    "diyelim", "припустимо", "нехай", "biết",
})
WHEN = frozenset({
    "when",
    "wanneer", "متى", "عندما", "когато", "quan", "když", "når", "wenn", "όταν",
    "cuando", "cando", "kui", "kun", "quand", "lorsque", "lorsqu", "כאשר",
    "kada", "kad", "majd", "ha", "amikor", "ketika", "quando", "kai", "кога",
    "als", "jeżeli", "jeśli", "gdy", "kiedy", "când", "cand", "если", "когда",
    "keď", "ko", "kadar", "када", "кад", "när", "eğer", "якщо", "коли", "khi",
})
THEN = frozenset({
    "then",
    "dan", "ثم", "то", "aleshores", "pak", "så", "dann", "τότε",
    "entonces", "entón", "siis", "niin", "alors", "donc", "אז", "אזי",
    "onda", "akkor", "maka", "allora", "tada", "тогаш", "wtedy", "então",
    "entao", "atunci", "тогда", "затем", "potom", "nato", "potem", "takrat",
    "онда", "тоді", "thì",
})
AND = frozenset({
    "and", "but",
    "maar", "و", "لكن", "и", "но", "i", "però", "ale", "og", "men", "und",
    "aber", "και", "αλλά", "y", "e", "pero", "ja", "kuid", "mutta", "et", "mais",
    "וגם", "אבל", "ali", "és", "tapi", "tetapi", "ma",
    "ir", "bet", "en", "oraz", "mas", "și", "dar", "а", "zároveň", "ter", "toda",
    "али", "och", "ve", "fakat", "ama", "і", "та", "але", "và", "nhưng",
    "*",
})
# fmt: on

# Openings: languages that put no space after the word, and keywords of several words.
OPENING_GIVEN = (
    "前提", "假如", "假设", "假設", "假定", "먼저", "조건", "กำหนดให้",
    "za předpokladu", "za predpokladu", "za dato", "за дато", "با فرض", "अगर", "यदि", "चूंकि", "cho ",
)  # fmt: skip
OPENING_WHEN = ("もし", "当", "當", "만일", "만약", "เมื่อ", "هنگامی", "जब", "कदा")
OPENING_THEN = ("ならば", "那么", "那麼", "그러면", "ดังนั้น", "آنگاه", "तब", "तदा", "اذاً", "o zaman")
OPENING_AND = (
    "かつ", "しかし", "但し", "并且", "並且", "而且", "同时", "同時", "但是", "그리고", "하지만",
    "단,", "และ", "แต่", "और", "तथा", "पर ", "परन्तु", "a také", "a zároveň",
)  # fmt: skip

SCENARIO_HEADS = frozenset({
    "scenario", "scenario outline", "scenario template", "example",
    "situasie", "سيناريو", "сценарий", "рамка на сценарий", "escenari", "esquema de l'escenari",
    "scénář", "náčrt scénáře", "osnova scénáře", "scenarie", "abstrakt scenario", "szenario",
    "szenariogrundriss", "szenarien", "beispiel", "σενάριο", "περιγραφή σεναρίου", "escenario",
    "esquema del escenario", "ejemplo", "stsenaarium", "tapaus", "scénario", "plan du scénario",
    "plan du scenario", "exemple", "תרחיש", "תבנית תרחיש", "परिदृश्य", "परिदृश्य रूपरेखा", "scenarij",
    "skica", "koncept", "forgatókönyv", "forgatókönyv vázlat", "skenario", "garis-besar skenario",
    "schema dello scenario", "esempio", "シナリオ", "シナリオアウトライン", "シナリオテンプレート",
    "시나리오", "시나리오 개요", "scenarijus", "сценарио", "abstract scenario", "voorbeeld",
    "scenariusz", "szablon scenariusza", "przykład", "cenário", "cenario", "esquema do cenário",
    "delineação do cenário", "exemplo", "scenariu", "structura scenariu", "структура сценария",
    "шаблон сценария", "пример", "scenár", "osnova scenára", "structura scenarija",
    "abstraktni scenarij", "структура сценарија", "abstrakt scenariot", "เหตุการณ์", "senaryo",
    "senaryo taslağı", "örnek", "сценарій", "структура сценарію", "приклад", "kịch bản",
    "tình huống", "khung kịch bản", "场景", "场景大纲", "剧本", "場景", "場景大綱", "劇本",
})  # fmt: skip
FEATURE_HEADS = frozenset({
    "feature", "rule", "business need", "ability",
    "خاصية", "функционалност", "característica", "funcionalitat", "požadavek", "egenskab",
    "funktionalität", "funktion", "regel", "δυνατότητα", "λειτουργία", "regla", "omadus",
    "ominaisuus", "fonctionnalité", "règle", "תכונה", "रूप लेख", "osobina", "mogućnost", "jellemző",
    "fitur", "funzionalità", "regola", "機能", "フィーチャ", "ルール", "기능", "savybė", "egenskap",
    "functionaliteit", "właściwość", "funkcja", "funcionalidade", "regra", "funcționalitate",
    "функция", "функциональность", "свойство", "правило", "požiadavka", "funkcia",
    "funkcionalnost", "možnosti", "โครงหลัก", "özellik", "функціонал", "tính năng", "功能", "规则",
    "規則",
})  # fmt: skip
BACKGROUND_HEADS = frozenset({
    "background",
    "الخلفية", "предистория", "rerefons", "antecedents", "pozadí", "kontext", "baggrund",
    "grundlage", "hintergrund", "voraussetzungen", "vorbedingungen", "υπόβαθρο", "antecedentes",
    "taust", "tausta", "contexte", "רקע", "पृष्ठभूमि", "pozadina", "háttér", "dasar", "contesto",
    "背景", "배경", "bakgrunn", "achtergrond", "założenia", "contexto", "предыстория", "контекст",
    "pozadie", "ozadje", "bakgrund", "geçmiş", "передумова", "bối cảnh",
})  # fmt: skip
