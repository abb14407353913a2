"""The labels that announce criteria, expectations and tests, by language, as data.

To teach a language, add its labels here and its Given/When/Then words in `step_words`. Case,
accents, emoji, numbering, markup and a closing colon do not matter.
"""

from collections.abc import Mapping
from types import MappingProxyType

CRITERIA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "acceptance criteria", "acceptance criterion", "acceptance", "ac", "acs", "a/c", "a.c.",
            "user acceptance criteria", "acceptance requirements", "acceptance checklist",
            "acceptance conditions", "acceptance scenarios", "acceptance scenario",
            "definition of done", "dod", "requirements", "functional requirements",
            "non-functional requirements", "done when", "done criteria", "success criteria",
            "success criterion", "exit criteria", "conditions of satisfaction",
        ),
        "ar": ("معايير القبول", "شروط القبول"),
        "bg": ("критерии за приемане",),
        "ca": ("criteris d'acceptació", "requisits"),
        "cs": ("akceptační kritéria", "kritéria přijetí", "definice hotového", "požadavky"),
        "da": ("acceptkriterier", "acceptkriterie", "krav"),
        "de": (
            "akzeptanzkriterien", "akzeptanzkriterium", "abnahmekriterien", "abnahmekriterium",
            "anforderungen", "fertig wenn", "erledigt wenn", "erfolgskriterien",
        ),
        "el": ("κριτήρια αποδοχής",),
        "es": (
            "criterios de aceptación", "criterio de aceptación", "criterios de éxito",
            "definición de hecho", "definición de terminado", "requisitos",
        ),
        "fi": ("hyväksymiskriteerit", "vaatimukset"),
        "fr": (
            "critères d'acceptation", "critère d'acceptation", "critères d'acceptance",
            "critères de réussite", "définition de fini", "définition de terminé", "exigences",
        ),
        "he": ("קריטריוני קבלה", "תנאי קבלה"),
        "hi": ("स्वीकृति मानदंड",),
        "hr": ("kriteriji prihvaćanja", "kriteriji prihvatljivosti"),
        "hu": ("elfogadási kritériumok", "követelmények"),
        "id": ("kriteria penerimaan", "kriteria keberterimaan"),
        "it": (
            "criteri di accettazione", "criterio di accettazione", "criteri di successo",
            "definizione di fatto", "requisiti",
        ),
        "ja": (
            "受け入れ条件", "受け入れ基準", "受入条件", "受入基準", "受入れ条件", "受入れ基準",
            "完了条件", "完了の定義", "要件",
        ),
        "ko": (
            "인수 조건", "인수조건", "인수 기준", "인수기준", "수용 기준", "완료 조건",
            "완료의 정의", "요구 사항", "요구사항",
        ),
        "nb": ("akseptansekriterier", "akseptkriterier"),
        "nl": (
            "acceptatiecriteria", "acceptatiecriterium", "succescriteria", "vereisten", "eisen",
        ),
        "pl": (
            "kryteria akceptacji", "kryterium akceptacji", "kryteria akceptacyjne",
            "definicja ukończenia", "wymagania",
        ),
        "pt": (
            "critérios de aceitação", "critérios de aceite", "critério de aceitação",
            "critério de aceite", "critérios de sucesso", "definição de pronto", "requisitos",
        ),
        "ro": ("criterii de acceptare", "criterii de acceptanță", "cerințe"),
        "ru": (
            "критерии приёмки", "критерий приёмки", "критерии готовности", "условия приёмки",
            "определение готовности", "требования",
        ),
        "sk": ("akceptačné kritériá", "požiadavky"),
        "sl": ("kriteriji sprejemljivosti",),
        "sr": ("критеријуми прихватања", "kriterijumi prihvatanja"),
        "sv": ("acceptanskriterier", "acceptanskriterium", "krav"),
        "th": ("เกณฑ์การยอมรับ",),
        "tr": ("kabul kriterleri", "kabul kriteri", "gereksinimler"),
        "uk": ("критерії приймання", "критерії прийняття", "критерії приймання роботи", "вимоги"),
        "vi": ("tiêu chí chấp nhận", "tiêu chí nghiệm thu"),
        "zh": (
            "验收标准", "验收条件", "验收准则", "驗收標準", "驗收條件", "驗收準則", "接受标准",
            "完成定义", "完成的定义", "完成定義", "需求", "要求",
        ),
    }
)  # fmt: skip

# Meant as what should be rather than as criteria: low confidence.
EXPECTATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "expected behavior", "expected behaviour", "expected result", "expected results",
            "expected outcome",
        ),
        "de": ("erwartetes verhalten", "erwartetes ergebnis"),
        "es": ("comportamiento esperado", "resultado esperado"),
        "fr": ("comportement attendu", "résultat attendu"),
        "it": ("comportamento atteso", "comportamento previsto", "risultato atteso"),
        "ja": ("期待される動作", "期待する動作", "期待される結果"),
        "ko": ("예상 동작", "기대 동작", "기대 결과"),
        "nl": ("verwacht gedrag", "verwacht resultaat"),
        "pl": ("oczekiwane zachowanie", "oczekiwany wynik"),
        "pt": ("comportamento esperado", "resultado esperado"),
        "ru": ("ожидаемое поведение", "ожидаемый результат"),
        "uk": ("очікувана поведінка",),
        "tr": ("beklenen davranış",),
        "zh": ("预期行为", "期望行为", "预期结果", "預期行為", "預期結果"),
    }
)  # fmt: skip

TESTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "test plan", "test plans", "test scenarios", "test scenario", "test cases",
            "testing plan", "testing scenarios", "acceptance tests", "scenarios to test",
        ),
        "de": ("testplan", "testfälle", "testszenarien"),
        "es": ("plan de pruebas", "casos de prueba", "escenarios de prueba"),
        "fr": ("plan de test", "plan de tests", "cas de test", "scénarios de test"),
        "it": ("piano di test", "casi di test", "scenari di test"),
        "ja": ("テスト計画", "テストケース", "テストシナリオ"),
        "ko": ("테스트 계획", "테스트 케이스", "테스트 시나리오"),
        "nl": ("testplan", "testgevallen", "testscenario's"),
        "pl": ("plan testów", "przypadki testowe", "scenariusze testowe"),
        "pt": ("plano de testes", "plano de teste", "casos de teste", "cenários de teste"),
        "ru": ("план тестирования", "тестовые сценарии", "тест-план"),
        "uk": ("план тестування",),
        "tr": ("test planı", "test senaryoları"),
        "zh": ("测试计划", "测试用例", "测试场景", "測試計畫", "測試案例"),
    }
)  # fmt: skip
