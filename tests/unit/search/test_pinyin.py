"""Names by their sound: surnames as surnames are read, every reading of the rest, initials; nothing but names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import pinyin


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("张伟", "zhangwei"), ("張偉", "zhangwei"), ("张伟", "zw"), ("王小明", "wangxiaoming"), ("王小明", "wxm"),
        ("单雄信", "shanxiongxin"), ("曾国藩", "zengguofan"), ("仇英", "qiuying"), ("解缙", "xiejin"), ("查良镛", "zhaliangyong"),
        ("尉迟恭", "yuchigong"), ("尉迟恭", "ycg"), ("万俟卨", "moqixie"), ("澹台明", "tantaiming"), ("令狐冲", "linghuchong"),
        ("朴正", "piaozheng"), ("区大", "ouda"), ("任强", "renqiang"), ("华佗", "huatuo"), ("乐毅", "yueyi"), ("乐毅", "leyi"),
        ("翟天", "zhaitian"), ("翟天", "ditian"), ("覃辉", "qinhui"), ("覃辉", "tanhui"), ("盖叫", "gejiao"), ("盖叫", "gaijiao"),
        ("吕布", "lvbu"), ("吕布", "lubu"), ("吕布", "lyubu"), ("欧阳修", "ouyangxiu"), ("歐陽䶮", "ouyangyan"), ("司马光", "smg"),
        ("长孙无忌", "zhangsunwuji"), ("重阳", "chongyang"), ("张乐", "zhangle"), ("张乐", "zhangyue"), ("乾隆", "qianlong"),
        ("买买提·艾合买提", "maimaitiaihemaiti"), ("张行", "zhangxing"), ("张行", "zhanghang"),
    ],
)  # fmt: skip
def test_a_name_is_found_as_it_is_spoken(name: str, typed: str) -> None:
    assert (typed in pinyin.keys(name)) == (len(name.replace("·", "")) <= 6)


@pytest.mark.parametrize("name", ["", "张", "John", "张3伟" * 4, "。，", "云岭县民政局办公室"])
def test_what_is_no_short_han_name_has_no_pinyin(name: str) -> None:
    assert pinyin.keys(name) == ()


@given(st.text(max_size=8))
def test_ways_are_limited_and_letters(name: str) -> None:
    found = pinyin.keys(name)
    assert len(found) <= 2 * pinyin.MOST
    assert all(one.isascii() and one.isalpha() and one.islower() for one in found)


@pytest.mark.parametrize(
    ("text", "letters"),
    [("zhangwei", "zhangwei"), ("xi'an", "xian"), ("z", None), ("zhang1", None), ("张wei", None), ("", None)],
)
def test_only_latin_letters_are_pinyin(text: str, letters: str | None) -> None:
    assert pinyin.typed(text) == letters


@pytest.mark.parametrize("name", ["張偉（已故）", "张伟(户主)", "张伟【曾用名】", "张伟"])
def test_a_remark_in_brackets_is_no_part_of_a_name(name: str) -> None:
    assert {"zhangwei", "zw"} <= set(pinyin.keys(name))
