"""Damaged text is told with a count and a sample; good text in either script gives nothing."""

from __future__ import annotations

import time

import opencc
import pytest

from ingest.checks import damaged_text
from ingest.findings import sentence

GOOD = (
    "最低生活保障申请书\n申请人：张三，家住某县某镇某村。我家人口3人，因病致贫，特申请低保。此致 敬礼\n"
    "您家里有几口人?请如实填写。是否同意?是。为什么停发低保?原因是收入超过标准。您收到通知了吗?我们等您回复。\n"
    "经办人(签名)：李四　电话（办公）：0317-0000000，网址 http://example.org/a?名=值\n"
    "亓(qí)官家庭，单(shàn)县，户主张喆(zhé)。电子档案管理办法第3.2条，见 Table 1 (page 2)。"
)
ENGLISH = "What?? Really?! See the café’s naïve résumé: « été » – 100 € ± 2 °C, Ångström, Übergröße, façade (ma)."
JAPANESE = "髙橋　佐々木さんの申請書です。生活保護を申請しますか?はい。東京都千代田区(とうきょう)"
TABLE = "姓名\t户号\t金额\n王五\t0001\t1,200.00\n赵六\t0002\t?\n欧阳修\t0003\t-\n"
BULLETS = "\uf0b7 第一条\n\uf0b7 第二条\n\uf06c\uf06c 图例\n张\ue123伟(姓名用字在字库外)"


def found(text: str) -> dict[str, tuple[int, str]]:
    """Code to count and sample."""
    return {one.code: (one.params["count"], one.params["sample"]) for one in damaged_text.run("a.txt", text)}


@pytest.mark.parametrize("text", [GOOD, ENGLISH, JAPANESE, TABLE, BULLETS, "", "   ", "?", "Ünïcödé ÀÉÎÕÜ ßøå"])
@pytest.mark.parametrize("into", [None, "s2t", "t2s"])
def test_good_text_gives_nothing(text: str, into: str | None) -> None:
    assert found(opencc.OpenCC(into).convert(text) if into else text) == {}


@pytest.mark.parametrize(
    "text", ["申请人：王\ufffd明", "\ufffd\ufffd\ufffd", "字体\ue011\ue012\ue013乱码", "\U000f0001\U000f0002"]
)
def test_replaced_characters(text: str) -> None:
    assert found(text)["text.replacement"][0] == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("利用信息化管理明確??钯Y金動向,做到??顚S?,避免出現", 2),
        ("户主王?明，住本村", 1),
        ("姓名：???，性别：男", 1),
        ("???? ????? ??", 2),
    ],
)
def test_question_marks_where_han_stood(text: str, count: int) -> None:
    assert found(text)["text.question_marks"][0] == count


@pytest.mark.parametrize(
    "text",
    [
        "卷宗 關鍵詞:低保戶動態(tài)化民政部門",
        "城市低保審核要重視協(xié)調工作,並優(yōu)化管理流程",
        "人(rén)民(mín)政(zhèng)府(fǔ)民(mín)政局",
        "通知锟斤拷锟斤拷",
        "烫烫烫烫烫",
        "姓名：" + "张三".encode().decode("gb18030") + "，男",
        "标题 " + "最低生活保障金".encode().decode("gb18030", "replace"),
        "低保申请书".encode().decode("cp1252", "replace"),
        "低保档案".encode().decode("latin-1"),
        "低保档案管理".encode("gb18030").decode("latin-1"),
        "低保档案管理".encode().decode("latin-1").encode().decode("latin-1"),
    ],
)
def test_text_converted_twice(text: str) -> None:
    assert "text.double_converted" in found(text)


@pytest.mark.parametrize(("written", "read"), [("big5", "gb18030"), ("gb18030", "big5")])
def test_text_read_in_the_other_region_s_encoding(written: str, read: str) -> None:
    text = GOOD.split("\n", maxsplit=1)[1]
    original = opencc.OpenCC("s2t").convert(text) if written == "big5" else text
    told = found(original.encode(written, "ignore").decode(read, "replace"))
    assert told["text.double_converted"][0] > 1


def test_the_sample_is_short_and_holds_no_number() -> None:
    number = "11010519491231002X"
    told = list(damaged_text.run("a.txt", f"身份证 {number}\ufffd 电话 13800138000"))
    shown = told[0].params["sample"]
    assert "\ufffd" in shown
    assert len(shown) <= 20
    assert not any(
        part in sentence(one, lang) for one in told for lang in ("zh", "en") for part in (number[6:14], "1380")
    )


def test_clean_text_is_looked_at_quickly() -> None:
    """Two milliseconds for ten thousand characters; ten allowed here, since other work may be running."""
    text = (GOOD.split("\n", maxsplit=1)[0] * 2_000)[:10_000]
    best = min(_seconds(text) for _ in range(5))
    assert best < 0.010


def _seconds(text: str) -> float:
    begun = time.perf_counter()
    assert list(damaged_text.run("a.txt", text)) == []
    return time.perf_counter() - begun


@pytest.mark.parametrize(
    "piece", ["鐨", "?王", "(a)", "王(wang)", "\ufffd.", "ä½", "µÍ", "Ã", "?", "锟斤", "烫", "\ue123", "浣庝繚"]
)
def test_hostile_text_costs_no_more_than_seconds(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    begun = time.perf_counter()
    list(damaged_text.run("a.txt", text))
    assert time.perf_counter() - begun < 8
