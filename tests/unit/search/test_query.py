"""Whatever a person types is a query or a hint, never a crash."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metadata.errors import Forbidden, Invalid
from metadata.household import household_no
from search import numbers
from search.analysis import fold
from search.highlight import Finder
from search.query import (
    MOST_WORDS,
    All,
    Between,
    Either,
    Names,
    Not,
    Query,
    Value,
    Word,
    document_term,
    household_term,
    name_term,
    parse,
)
from search.query.fields import Coded

NAMES = Names(
    types=(Coded("APP01", ("低保申请书", "application")), Coded("APP12", ("申请受理通知书", "notice"))),
    programmes=(Coded("DB", ("最低生活保障", "subsistence allowance")),),
    organs=(Coded("o-1", ("CB", "县民政局")),),
    divisions=(Coded("990101101", ("青松镇",)),),
)
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
        ("低" * 501, "search.too_long"),
        (" ".join(chr(0x4E00 + n) for n in range(40)), "search.too_many_words"),
    ],
)
def test_wrong_queries_give_a_hint(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, blind)
    assert caught.value.code == code
    assert caught.value.zh
    assert caught.value.en


PIECES = [
    "AND",
    "OR",
    "NOT",
    "ＡＮＤ",
    "与",
    "或",
    "非",
    "并且",
    "不含",
    "&",
    "|",
    "&&",
    "-",
    "*",
    "?",
    "(",
    ")",
    "（",
    "）",
    "“",
    "”",
    '"',
    "「",
    "」",
    "：",
    ":",
    "，",
    "。",
    "；",
    "题名：",
    "姓名:",
    "type:",
    "类型：",
    "户号:",
    "日期:",
    "年度:",
    "区划:",
    "格式:",
    "级别:",
    "门类:",
    "档号:",
    "尾号:",
    "身份证:",
    "titel:",
    "..",
    ">=",
    "<",
    "2024-03",
    "2024年3月",
    "至",
    "abc*",
    "张*",
    "低保",
    "檔案",
    "zhang",
    "wei",
    "002X",
    "11010519491231002X",
    "13800138000",
    "〔2021〕57号",
    "图片",
    "http://",
    " ",
    "\u3000",
    "\n",
]


def outcome(text: str, *, personal: bool) -> Query | Invalid | Forbidden:
    """The query or the hint; anything else is raised."""
    try:
        return parse(text, blind, NAMES, personal=personal)
    except (Invalid, Forbidden) as hint:
        return hint


@given(
    st.one_of(
        st.text(alphabet=st.characters(), max_size=60),
        st.lists(st.sampled_from(PIECES), max_size=24).map("".join),
        st.lists(st.sampled_from(PIECES), max_size=24).map(" ".join),
    ),
    st.booleans(),
)
@settings(max_examples=600, deadline=None)
@example("\x00\ud800“”*？", True)
@example("(" * 400, True)
@example("-" * 400 + "a", True)
@example("NOT " * 120 + "a", True)
@example("姓名:" * 120, True)
def test_nothing_crashes(text: str, personal: bool) -> None:
    """Whatever is typed is a query or a hint with a code and both sentences; a query has conditions and no number."""
    query = outcome(text, personal=personal)
    if not isinstance(query, Query):
        assert query.code.startswith("search.")
        assert query.zh
        assert query.en
        assert isinstance(query, Invalid) or not personal
        return
    assert all(one.elements or one.terms for one in query.words)
    assert personal or not any(one.number for one in query.words)
    assert len(list(query.leaves())) <= 3 * MOST_WORDS
    assert Finder(query).ranges(fold(text)) is not None


@pytest.mark.parametrize("text", ["张伟", '"低保 檔案"', "低保 OR (五保 -张伟)", "姓名:张伟 年度:2024", "zhang wei"])
def test_punctuation_and_width_make_no_difference(text: str) -> None:
    plain = parse(text, blind, NAMES)
    wide = text.translate({ord(one): ord(one) + 0xFEE0 for one in '():"-ADNORabcdefghijklmnopqrstuvwxyz0123456789'})
    assert parse(wide, blind, NAMES) == plain
    assert parse(f"　{text} 。", blind, NAMES) == plain


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024年", "2024-01-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2024年2月", "2024-02-01", "2024-02-29"),
        ("2024/2/9", "2024-02-09", "2024-02-09"),
        ("2024年2月9日", "2024-02-09", "2024-02-09"),
        ("20240209", "2024-02-09", "2024-02-09"),
        ("2024-01..2024-06", "2024-01-01", "2024-06-30"),
        ("2024年1月至2024年6月", "2024-01-01", "2024-06-30"),
        ("2023~2024", "2023-01-01", "2024-12-31"),
        (">=2024-03", "2024-03-01", None),
        (">2024-03", "2024-04-01", None),
        ("<2024-03", None, "2024-02-29"),
        ("<=2024", None, "2024-12-31"),
        ("..2024-03", None, "2024-03-31"),
        ("2024-03..", "2024-03-01", None),
    ],
)
def test_dates(text: str, first: str | None, last: str | None) -> None:
    root = parse(f"日期:{text}", blind).root
    assert isinstance(root, Between)
    ends = tuple(None if one is None else date.fromordinal(one).isoformat() for one in (root.lower, root.upper))
    assert ends == (first, last)


def test_names_of_values_are_resolved() -> None:
    assert parse("类型:低保申请书", blind, NAMES).root == Value("type", ("APP01",))
    assert parse("类型:申請", blind, NAMES).root == Value("type", ("APP01", "APP12"))
    assert parse("类型:(APP01 OR app12)", blind, NAMES).root == Either(
        (Value("type", ("APP01",)), Value("type", ("APP12",)))
    )
    assert parse("单位:县民政局", blind, NAMES).root == Value("organ", ("o-1",))
    assert parse("区划:青松镇", blind, NAMES).root == Value("division", ("990101101",))


def test_a_hint_names_the_place_and_no_word() -> None:
    for text, place in (("低保 姓名:", 4), ("低保 AND", 4), ("张三 (李四", 4), ("a 日期:昨天", 6)):
        with pytest.raises(Invalid) as caught:
            parse(text, blind)
        assert caught.value.params["place"] == place
        assert str(place) in caught.value.zh
        assert "张三" not in caught.value.zh


def test_a_tree_is_as_written() -> None:
    a, b, c = (parse(one, blind).root for one in ("低保", "五保", "张伟"))
    assert a
    assert b
    assert c
    assert parse("低保 或 五保 张伟", blind).root == Either((a, All((b, c))))
    assert parse("(低保 | 五保) & 张伟", blind).root == All((Either((a, b)), c))
    assert parse("低保 非 张伟", blind).root == All((a, Not(c)))
    assert parse("低保 或", blind).words[1].elements == ("或",)
    assert parse("(低保)", blind).root == a
    assert parse("题名:(低保 -张伟)", blind).words == (Word(("低", "保"), where="title"),)
    assert parse("民发(2021)57号", blind) == parse("民发〔2021〕57号", blind)
