"""Whatever a person types is a query or a hint, never a crash."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metadata.errors import Invalid
from metadata.household import household_no
from search import numbers
from search.query import Query, Word, document_term, household_term, name_term, parse

ID = "11010519491231002X"


def blind(text: str, purpose: str) -> str:
    return f"{purpose}-{text}".encode().hex()


def words(text: str) -> list[str]:
    return ["".join(one.elements) for one in parse(text, blind).words if one.elements]


def test_words_are_anded_and_quotes_hold_them_together() -> None:
    assert words("低保 檔案") == ["低保", "档案"]
    assert words("低保，档案；王五") == ["低保", "档案", "王五"]
    assert words('"低保 檔案"') == ["低保档案"]
    assert words("「最低生活」保障") == ["最低生活", "保障"]
    assert words("“社会救助”") == ["社会救助"]
    assert words("social assistance") == ["_social_", "_assistance_"]
    assert words("低保 低保") == ["低保"]


def test_star_finds_everything() -> None:
    assert parse("*", blind) == Query()
    assert parse(" ＊ ", blind).everything
    assert not parse("低保*", blind).everything


def test_document_numbers_stay_whole() -> None:
    assert words("民发〔2021〕57号") == ["民发¶_2021_¶_57_号"]
    assert document_term("民發〔2021〕57號") in parse("民发[2021]57号", blind).words[0].terms


def test_names_are_terms() -> None:
    assert parse("劉生輝", blind).words[0].favours == (name_term("刘生辉"),)
    assert parse("䶮", blind).words == (Word(("䶮",)),)


def test_personal_numbers_become_hashes() -> None:
    (word,) = parse(f" {ID.lower()} ", blind).words
    assert word.terms == (numbers.exact_term(ID, blind),)
    assert word.elements == ()
    assert word.number == ID
    assert ID not in repr(word)
    assert [one.number for one in parse("张三 6222 0210 0111 6245 704", blind).words] == [None, "6222021001116245704"]
    for text in ("尾号002X", "后四位：002x", "last4:002X"):
        assert parse(text, blind).words == (Word(terms=(numbers.last_four_term("002X", blind),), number="002X"),)
    assert numbers.last_four_term("002X", blind) in parse("002x", blind).words[0].terms


def test_household_numbers_are_terms() -> None:
    for serial in range(1, 40):
        number = household_no("990101001002", serial)
        (word,) = parse(number, blind).words
        assert household_term(number) in word.terms or word.number == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "search.empty"),
        ("，。！", "search.empty"),
        ("“低保", "search.open_quote"),
        ('低保"', "search.open_quote"),
        ("低保」", "search.open_quote"),
        ("a*", "search.wildcard"),
        ("*abc", "search.wildcard"),
        ("a?c", "search.wildcard"),
        ("张*伟", "search.wildcard"),
        ("低保 AND", "search.operator"),
        ("OR 低保", "search.operator"),
        ("低保 AND OR 五保", "search.operator"),
        ("NOT", "search.operator"),
        ("NOT *", "search.operator"),
        ("(低保", "search.bracket"),
        ("低保)", "search.bracket"),
        ("低保 ( )", "search.bracket"),
        ("（" * 9 + "低" + "）" * 9, "search.too_nested"),
        ("NOT " * 9 + "低", "search.too_nested"),
        ("titel:低保", "search.unknown_field"),
        ("题名:", "search.field_without_value"),
        ("姓名: OR 低保", "search.field_without_value"),
        ("身份证号:张三", "search.field_without_value"),
        ("户号:12", "search.field_without_value"),
        ("日期:昨天", "search.bad_date"),
        ("日期:2024-13", "search.bad_date"),
        ("日期:2024-02-30", "search.bad_date"),
        ("日期:2024-06..2024-01", "search.bad_date"),
        ("年度:2024-03", "search.bad_date"),
        ("级别:绝密", "search.unknown_value"),
        ("格式:纸", "search.unknown_value"),
        ("门类:人", "search.unknown_value"),
        ("区划:云岭县", None),
        ("低" * 501, "search.too_long"),
        (" ".join(chr(0x4E00 + n) for n in range(40)), "search.too_many_words"),
    ],
)
def test_wrong_queries_give_a_hint(text: str, code: str | None) -> None:
    if code is None:
        parse(text, blind)
        return
    with pytest.raises(Invalid) as caught:
        parse(text, blind)
    assert caught.value.code == code
    assert caught.value.zh
    assert caught.value.en


@given(st.text(alphabet=st.characters(), max_size=60))
@example("\x00\ud800“”*？")
def test_nothing_crashes(text: str) -> None:
    try:
        query = parse(text, blind)
    except Invalid:
        return
    assert all(one.elements or one.terms for one in query.words)
