"""Folding, elements and pairs: any script finds any other, phrases stop at punctuation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import analysis
from search.analysis import BREAK, analyse, elements, fold, key_of, pairs, placed_elements


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("低保檔案", "低保档案"),
        ("前後", "前后"),
        ("皇后", "皇後"),
        ("頭髮", "头发"),
        ("發展", "发展"),
        ("乾隆", "干隆"),
        ("干部", "幹部"),
        ("劉生輝", "刘生辉"),
        ("龑", "䶮"),
        ("鑑定", "鉴定"),
        ("鑒定", "鉴定"),
        ("裡面", "里面"),
        ("戸籍", "户籍"),
        ("戶籍", "户籍"),
        ("看著", "看着"),
        ("藉口", "借口"),
        ("電子檔案", "电子档案"),
        ("ＯＦＤ　１２３", "ofd 123"),
        ("GB/T", "gb/t"),
        ("\uf92c", "郎"),  # a compatibility ideograph
        ("\u2f00\u2f3e", "一户"),  # radicals, as bad fonts give them
        ("二○二一", "二〇二一"),
        ("计畫", "计划"),
        ("臺灣", "台湾"),
        ("黃", "黄"),
        ("Café", "cafe"),
    ],
)
def test_both_scripts_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_phrases_are_never_converted() -> None:
    assert fold("檔案") == "档案"
    assert fold("文件") == "文件"
    assert "".join(fold(one) for one in "頭髮發展乾隆干部") == fold("頭髮發展乾隆干部")


def test_different_names_stay_different() -> None:
    for one, other in (("喆", "哲"), ("堃", "坤"), ("刘", "柳"), ("䶮", "龙")):
        assert fold(one) != fold(other)


@given(st.text(max_size=200))
def test_folding_keeps_every_place(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded


@given(st.text(max_size=200))
def test_placed_elements_agree_with_elements(text: str) -> None:
    folded = fold(text)
    placed = placed_elements(folded)
    if placed and placed[-1].text == BREAK:
        placed.pop()
    assert [one.text for one in placed] == elements(folded)
    assert all(0 <= one.start < one.end <= len(text) for one in placed)
    assert BREAK + BREAK not in pairs(elements(folded))


def test_punctuation_breaks_and_blanks_do_not() -> None:
    assert elements("低保。档案") == ["低", "保", BREAK, "档", "案"]
    assert elements("低保\n档案") == list("低保档案")
    assert elements("张　三") == list("张三")
    assert elements("买买提·艾合买提") == list("买买提艾合买提")
    assert elements("低保\n\n档案") == ["低", "保", BREAK, "档", "案"]
    assert elements("姓名\t张三") == ["姓", "名", BREAK, "张", "三"]
    assert elements("第57号") == ["第", "_57_", "号"]
    assert elements("a\u0301b c") == ["_ab_", "_c_"]
    assert elements("，。") == []


def test_rare_characters_are_characters() -> None:
    assert elements("䶮𬭎\ue123〇") == ["䶮", "𬭎", "\ue123", "〇"]
    assert analyse("𠮷").units == "𠮷"


def test_pairs_of_words_cannot_clash() -> None:
    assert pairs(["_ab_", "_c_"]) != pairs(["_a_", "_bc_"])
    assert pairs(["第", "_57_", "号"]) == ["第_57_", "_57_号"]
    assert pairs(["低"]) == []


def test_names_and_numbers_have_one_key() -> None:
    assert key_of("民發〔2021〕57號") == key_of("民发[2021] 57号") == "民发202157号"
    assert key_of("劉　三") == key_of("刘三")


def test_long_words_are_cut_alike() -> None:
    assert elements("a" * 500) == elements("a" * 400)


def test_the_fingerprint_is_stable_in_one_installation() -> None:
    assert analysis.fingerprint() == analysis.fingerprint()
    assert analysis.fingerprint().startswith("1-")
