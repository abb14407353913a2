"""Labels, steps and leftovers in the languages people write issues in."""

import pytest

from hookyard.features.checklists import label_words
from hookyard.features.checklists.extract import extract
from hookyard.features.checklists.model import Confidence, ItemKind

# As the languages write them, by hand: what the data says must agree.
LABELS = [
    "Akzeptanzkriterien", "Critères d'acceptation", "Critères d’acceptation",
    "Criterios de aceptación", "Criterios de aceptacion", "Critérios de aceitação",
    "Critérios de aceite", "Criteri di accettazione", "Acceptatiecriteria", "Kryteria akceptacji",
    "Критерии приёмки", "Критерии приемки", "受け入れ条件", "受け入れ基準", "验收标准", "验收条件",
    "인수 조건", "Kabul kriterleri", "Akceptační kritéria", "Acceptanskriterier",
    "Hyväksymiskriteerit", "Критерії приймання", "Κριτήρια αποδοχής", "Tiêu chí chấp nhận",
    "Criterii de acceptare", "Elfogadási kritériumok", "معايير القبول", "Definición de hecho",
    "Anforderungen", "完了の定義", "需求", "요구 사항", "требования",
]  # fmt: skip
DRESSES = [
    "# {}", "###### {}:", "## {}：", "## ✅ {}", "## 🎯 **{}** 🎯", "## :white_check_mark: {}",
    "## 3. {}", "## (4) {}", "## 1.2.3 {}", "## IV. {}", "## b) {}", "## 2 - {}", "**{}**",
    "__{}:__", "**{}**:", "{}:", "<h4>{}</h4>\n", "<b>{}</b>", "## [{}](https://example.org/x)",
    "## {} (v2)", "## {} …", "## `{}`",
]  # fmt: skip
ENGLISH = [
    "Acceptance criteria", "ACCEPTANCE CRITERION", "AC", "A/C", "Definition of Done", "DoD",
    "Requirements", "Done when", "Success Criteria", "Acceptance Scenarios", "acceptance-criteria",
    "Acceptance_Criteria", "[Acceptance criteria]", "ＡＣ", "Acceptance criteria / DoD",
]  # fmt: skip
SCENARIOS = {
    "en": "Given a user\nWhen they look\nThen it is there",
    "de": "Angenommen ein Nutzer\nWenn er sucht\nDann findet er",
    "de with sei": "Gegeben sei ein Nutzer\nWenn er sucht\nUnd wartet\nDann findet er",
    "fr": "Étant donné un compte\nQuand il est ouvert\nAlors il est vide",
    "fr with lorsque": "Soit un compte\nLorsqu'il est ouvert\nAlors il est vide",
    "es": "Dado un usuario\nCuando busca\nEntonces encuentra",
    "pt": "Dado um usuário\nQuando ele busca\nEntão encontra",
    "it": "Dato un utente\nQuando cerca\nAllora trova",
    "nl": "Gegeven een gebruiker\nAls hij zoekt\nDan vindt hij",
    "pl": "Zakładając konto\nJeżeli ktoś szuka\nWtedy znajduje",
    "ru": "Допустим пользователь вошёл\nКогда он ищет\nТогда он находит",
    "uk": "Припустимо користувач увійшов\nКоли він шукає\nТоді він знаходить",
    "cs": "Pokud uživatel existuje\nKdyž hledá\nPak najde",
    "sk": "Pokiaľ používateľ existuje\nKeď hľadá\nPotom nájde",
    "sv": "Givet en användare\nNär hen söker\nSå hittar hen",
    "da": "Givet en bruger\nNår hun søger\nSå finder hun",
    "nb": "Gitt en bruker\nNår hun søker\nSå finner hun",
    "fi": "Oletetaan käyttäjä\nKun hän etsii\nNiin hän löytää",
    "hu": "Amennyiben van fiók\nHa keres\nAkkor talál",
    "ro": "Dat un cont\nCând caută\nAtunci găsește",
    "tr": "Diyelim ki bir hesap var\nEğer ki aranırsa\nO zaman bulunur",
    "el": "Δεδομένου ενός λογαριασμού\nΌταν ψάχνει\nΤότε βρίσκει",
    "bg": "Дадено потребител\nКогато търси\nТо намира",
    "hr": "Zadan korisnik\nKada traži\nOnda nalazi",
    "sr": "За дато стање\nКада тражи\nОнда налази",
    "sl": "Dano stanje\nKo išče\nPotem najde",
    "id": "Diketahui pengguna\nKetika mencari\nMaka menemukan",
    "vi": "Biết người dùng\nKhi tìm\nThì thấy",
    "ca": "Donat un usuari\nQuan cerca\nAleshores troba",
    "et": "Eeldades kasutajat\nKui ta otsib\nSiis ta leiab",
    "he": "בהינתן משתמש\nכאשר הוא מחפש\nאז הוא מוצא",
    "ar": "بفرض مستخدم\nعندما يبحث\nثم يجد",
    "hi": "अगर खाता है\nजब खोजता है\nतब मिलता है",
    "th": "กำหนดให้มีบัญชี\nเมื่อค้นหา\nดังนั้นพบ",
    "ja": "前提ユーザーがいる\nもし検索する\nならば見つかる",
    "zh-CN": "假如用户已登录\n当用户搜索\n那么显示结果",
    "zh-TW": "假設用戶已登錄\n當用戶搜索\n那麼顯示結果",
    "ko": "먼저 사용자가 있다\n만약 검색하면\n그러면 찾는다",
}
HEADS = {
    "de": "Funktionalität: Suche\n\n  Szenario: Treffer\n    Wenn er sucht\n    Dann findet er",
    "fr": "Fonctionnalité: Suche\n\n  Scénario: Treffer\n    Quand on cherche\n    Alors on trouve",
    "es": "Característica: Suche\n\n  Escenario: Treffer\n    Cuando busca\n    Entonces encuentra",
    "ru": "Функция: Suche\n\n  Сценарий: Treffer\n    Когда ищут\n    Тогда находят",
    "ja": "機能: Suche\n\n  シナリオ: Treffer\n    もし検索する\n    ならば見つかる",
    "zh": "功能: Suche\n\n  场景: Treffer\n    当用户搜索\n    那么显示结果",
    "pl": "Funkcja: Suche\n\n  Scenariusz: Treffer\n    Gdy ktoś szuka\n    Wtedy znajduje",
    "sv": "Egenskap: Suche\n\n  Scenario: Treffer\n    När hen söker\n    Så hittar hen",
}


@pytest.mark.parametrize("label", LABELS)
def test_labels_of_many_languages_announce_criteria(label: str) -> None:
    found = extract(f"Intro.\n\n## {label}\n\n- It works\n")
    assert [item.text for item in found.items] == ["It works"]
    assert found.confidence is Confidence.HIGH


@pytest.mark.parametrize("label", ENGLISH)
@pytest.mark.parametrize("dress", ["## {}", "**{}**", "{}:"])
def test_english_labels_in_every_dress(label: str, dress: str) -> None:
    assert len(extract(f"{dress.format(label)}\n\n- It works\n").items) == 1


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("label", ["Acceptance criteria", "Критерии приёмки", "受け入れ条件"])
def test_case_emoji_numbers_and_colons_do_not_matter(label: str, dress: str) -> None:
    found = extract(f"Intro.\n\n{dress.format(label)}\n\n- It works\n")
    assert [item.text for item in found.items] == ["It works"]


def test_every_label_of_the_data_is_read_as_what_it_is() -> None:
    for known, confidence in (
        (label_words.CRITERIA, Confidence.HIGH),
        (label_words.EXPECTATIONS, Confidence.LOW),
        (label_words.TESTS, Confidence.MEDIUM),
    ):
        for language, labels in known.items():
            for label in labels:
                found = extract(f"## {label.upper()}\n\n- It works\n")
                assert (found.confidence, len(found.items)) == (confidence, 1), (language, label)


@pytest.mark.parametrize("language", SCENARIOS)
@pytest.mark.parametrize("wrap", ["{}", "## AC\n\n{}", "```gherkin\n{}\n```"])
def test_steps_of_many_languages_are_one_scenario(language: str, wrap: str) -> None:
    found = extract(wrap.format(SCENARIOS[language]))
    assert [item.kind for item in found.items] == [ItemKind.SCENARIO]
    assert found.items[0].text == " ".join(SCENARIOS[language].split("\n"))


@pytest.mark.parametrize("language", HEADS)
def test_heads_of_many_languages_name_scenarios(language: str) -> None:
    found = extract(f"```gherkin\n{HEADS[language]}\n```")
    assert [(item.group, item.text.split(":")[0]) for item in found.items] == [("Suche", "Treffer")]


@pytest.mark.parametrize("prose", [
    "Als Nutzer möchte ich suchen, damit ich finde.\nDann ist alles gut.",
    "As a user\nI want to search\nSo that I find",
    "Soit dit en passant.",
    "Data is kept.\nE poi niente.",
    "If it fails, then we retry.",
])  # fmt: skip
def test_prose_is_no_scenario(prose: str) -> None:
    assert [i for i in extract(prose).items if i.kind is not ItemKind.SCENARIO] == []
