"""Every word of the interface stands in both languages."""

from __future__ import annotations

import re

import pytest

from lantai import care
from lantai.i18n import chosen, translations
from lantai.i18n.extract import present, template, untranslated
from lantai.web.labels import WORDS, label
from lantai.web.rendering import FOLDER, environment

HAN = re.compile(r"[\u4e00-\u9fff]")
PLACES = re.compile(r"%\(\w+\)s|%\(\w+\)d|%s|\{\w+\}")
TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))


def test_no_message_is_missing_in_chinese() -> None:
    known = {message.id for message in present() if message.id}
    wanted = {message.id for message in template() if message.id}
    assert wanted - known == set(), "run python -m lantai.i18n.extract and translate"
    assert known - wanted == set(), "run python -m lantai.i18n.extract"
    assert untranslated(present()) == []


def test_messages_are_english_and_keep_their_places() -> None:
    for message in present():
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        for one in ids:
            assert not HAN.search(one.replace("王秀英", "").replace("低保", "")), one
        assert set(PLACES.findall(ids[-1])) == set(PLACES.findall(strings[0])), ids


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_words_stand_in_a_template_outside_the_catalogue(path) -> None:  # type: ignore[no-untyped-def]
    source = path.read_text()
    shown = "".join(text for _, kind, text in environment("en").lex(source) if kind == "data")
    outside = re.sub(r"<[^>]*>", " ", shown)
    outside = re.sub(r'[\w-]+="[^"]*"?|&\w+;', " ", outside)
    assert not re.findall(r"[A-Za-z]{3,}|[\u4e00-\u9fff]", outside.replace("兰台", "")), outside


def test_every_code_has_a_word() -> None:
    for kind, words in WORDS.items():
        for code in words:
            assert HAN.search(label(translations("zh"), code, kind)), (kind, code)
    assert label(translations("en"), "unknown.act", "act") == "unknown.act"


def test_the_language_is_chosen_by_the_person_then_the_browser() -> None:
    assert chosen("en", "zh-CN,zh;q=0.9") == "en"
    assert chosen(None, "fr,en;q=0.5") == "en"
    assert chosen("xx", None) == "zh"


def test_everything_done_by_the_clock_has_words() -> None:
    assert {f"care.{name}" for name in care.NAMES} <= set(WORDS["work"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_two_acts_are_told_in_the_same_words(language: str) -> None:
    translated = translations(language)
    told = [translated.gettext(words) for words in WORDS["act"].values()]
    assert len(set(told)) == len(told)  # filters of the register and of the log offer them side by side


def test_words_are_said_when_a_template_is_compiled_and_stay_what_they_were() -> None:
    source = '{% set words = _("Due for appraisal") %}{{ words }}|{{ _("page %(number)s", number="<3>") }}|{{ _("Due") ~ "<" }}'
    assert environment("en").from_string(source).render() == "Due for appraisal|page &lt;3&gt;|Due&lt;"
    chinese = environment("zh").from_string(source).render()
    assert HAN.search(chinese)
    assert "Due" not in chinese
    assert "Due" not in environment("zh").compile(source, raw=True)
