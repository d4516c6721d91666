"""Hard cases of conversion: one simplified character for several traditional ones, and forms that writers exchange.

Every form of a group finds every other, alone, in a name and in a sentence; what is a different name stays apart.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from search import analysis
from search.engines.base import IndexDocument, PermissionFilter, Scope
from search.engines.embedded import TantivyEngine
from search.query import parse

GROUPS = [
    "后後",
    "发發髮",
    "干乾幹榦",
    "里裡裏",
    "面麵",
    "只隻祇",
    "台臺颱檯",
    "松鬆",
    "谷穀",
    "余餘",
    "范範",
    "姜薑",
    "钟鐘鍾",
    "征徵",
    "系係繫",
    "斗鬥鬬",
    "云雲",
    "丑醜",
    "于於",
    "卜蔔",
    "冲衝",
    "出齣",
    "几幾",
    "郁鬱",
    "沈瀋",
    "万萬",
    "制製",
    "周週",
    "表錶",
    "准準",
    "复復複覆",
    "历歷曆",
    "汇匯彙",
    "获獲穫",
    "尽盡儘",
    "当當噹",
    "坛壇罎",
    "舍捨",
    "术術",
    "朱硃",
    "注註",
    "签簽籤",
    "累纍",
    "合閤",
    "回迴",
    "伙夥",
    "家傢",
    "价價",
    "借藉",
    "克剋",
    "困睏",
    "蜡蠟",
    "帘簾",
    "霉黴",
    "蒙矇濛",
    "弥彌瀰",
    "辟闢",
    "苹蘋",
    "凭憑",
    "扑撲",
    "胜勝",
    "适適",
    "涂塗",
    "团團糰",
    "旋鏇",
    "愿願",
    "岳嶽",
    "赞贊讚",
    "扎紮",
    "致緻",
    "种種",
    "筑築",
    "折摺",
    "症癥",
    "朴樸",
    "启啟啓",
    "据據",
    "卷捲",
    "夸誇",
    "了瞭",
    "么麼",
    "须須鬚",
    "向嚮",
    "杰傑",
    "杯盃",
    "才纔",
    "采採",
    "彩綵",
    "厂廠",
    "冬鼕",
    "恶惡噁",
    "丰豐",
    "刮颳",
    "柜櫃",
    "胡鬍",
    "划劃",
    "极極",
    "荐薦",
    "脏髒臟",
    "惊驚",
    "腊臘",
    "岭嶺",
    "芦蘆",
    "宁寧甯",
    "苏蘇囌甦",
    "占佔",
    "迹跡蹟",
    "群羣",
    "峰峯",
    "线線綫",
    "床牀",
    "众眾衆",
    "为為爲",
    "税稅",
    "户戶戸",
    "卫衛衞",
    "别別彆",
    "录錄",
    "教敎",
    "强強彊",
    "升昇陞",
    "托託",
    "熏薰",
    "背揹",
    "痴癡",
    "欲慾",
    "雇僱",
    "秘祕",
    "闲閒閑",
    "溪谿",
    "烟煙菸",
    "岩巖",
    "布佈",
    "尝嘗嚐",
    "雕鵰彫",
    "吃喫",
    "妆妝粧",
    "姊姉",
    "药藥葯",
    "恒恆",
    "咸鹹",
    "游遊",
    "志誌",
    "铺鋪舖",
    "叙敘敍",
    "并並併",
    "炉爐鑪",
    "粮糧",
    "胆膽",
    "脉脈",
    "节節",
    "虫蟲",
    "灶竈",
    "污汚汙",
    "凄淒悽",
    "凉涼",
    "减減",
    "决決",
    "况況",
    "仿倣",
    "朵朶",
    "举舉擧",
    "盖蓋葢",
]
NAMES = (
    ("刘后发", "劉後發"), ("余松年", "餘鬆年"), ("范云丰", "範雲豐"), ("钟胜利", "鍾勝利"), ("钟胜利", "鐘勝利"), ("沈万里", "瀋萬裡"),
    ("姜周平", "薑週平"), ("谷征兵", "穀徵兵"), ("胡启明", "鬍啓明"), ("郁达夫", "鬱達夫"), ("宁采臣", "甯採臣"), ("苏杰志", "蘇傑誌"),
    ("尹䶮", "尹龑"), ("卫国强", "衞國彊"), ("卜占峰", "蔔佔峯"), ("万台岭", "萬臺嶺"), ("朱云", "硃雲"), ("吴丑娃", "吳醜娃"),
)  # fmt: skip
SENTENCES = (
    ("该户今后发放低保金", "該戶今後發放低保金"), ("头发花白", "頭髮花白"), ("村干部入户调查", "村幹部入戶調查"), ("干燥", "乾燥"),
    ("天干地支", "天幹地支"), ("邻里关系和睦", "鄰裏關係和睦"), ("一只鸡", "一隻雞"), ("面粉三斤", "麵粉三斤"), ("台风受灾", "颱風受災"),
    ("写字台一张", "寫字檯一張"), ("谷物收成", "穀物收成"), ("余款退回", "餘款退回"), ("制作台账", "製作臺賬"), ("冲毁房屋", "衝毀房屋"),
    ("周转资金", "週轉資金"), ("准予发放", "準予發放"), ("复核意见", "複核意見"), ("恢复待遇", "恢復待遇"), ("历年收入", "歷年收入"),
    ("日历", "日曆"), ("汇款凭证", "匯款憑證"), ("词汇", "詞彙"), ("获救", "獲救"), ("收获玉米", "收穫玉米"), ("尽管", "儘管"),
    ("尽力", "盡力"), ("宿舍", "宿舍"), ("舍弃", "捨棄"), ("手术费用", "手術費用"), ("注销户口", "註銷戶口"), ("签字确认", "簽字確認"),
    ("抽签", "抽籤"), ("累计多发", "纍計多發"), ("一伙人", "一夥人"), ("借口", "藉口"), ("霉变", "黴變"), ("胜诉", "勝訴"),
    ("适龄儿童", "適齡兒童"), ("涂改无效", "塗改無效"), ("集团", "集團"), ("自愿退出", "自願退出"), ("赞同", "贊同"), ("种植", "種植"),
    ("建筑面积", "建築面積"), ("病症", "病癥"), ("启用", "啓用"), ("证据", "證據"), ("了解情况", "瞭解情況"), ("必须", "必須"),
    ("工厂", "工廠"), ("恶性肿瘤", "惡性腫瘤"), ("柜台", "櫃檯"), ("划定", "劃定"), ("极困难", "極困難"), ("心脏病", "心臟病"),
    ("肮脏", "骯髒"), ("占地", "佔地"), ("笔迹", "筆跡"), ("群众评议", "羣眾評議"), ("线索", "綫索"), ("税务", "稅務"), ("户籍", "戶籍"),
    ("录入", "錄入"), ("雇工", "僱工"), ("闲置", "閒置"), ("公布", "公佈"), ("医药费", "醫藥費"), ("游览", "遊覽"), ("标志", "標誌"),
    ("粮食", "糧食"), ("昆虫", "昆蟲"), ("减发", "減發"), ("决定", "決定"), ("并案", "併案"), ("检举", "檢舉"), ("盖章", "蓋章"),
)  # fmt: skip
APART = (
    ("喆", "哲"),
    ("堃", "坤"),
    ("淼", "水"),
    ("付", "傅"),
    ("肖", "萧"),
    ("闫", "阎"),
    ("仝", "同"),
    ("昇", "生"),
    ("戴", "代"),
)


def pairs() -> list[tuple[str, str]]:
    """Every two forms of every group."""
    return [pair for group in GROUPS for pair in itertools.combinations(group, 2)]


def test_the_table_is_long_enough() -> None:
    assert len(pairs()) + len(NAMES) + len(SENTENCES) >= 300


@pytest.mark.parametrize(("one", "other"), [*pairs(), *NAMES, *SENTENCES])
def test_forms_fold_alike(one: str, other: str) -> None:
    assert analysis.fold(one) == analysis.fold(other)
    assert len(analysis.fold(other)) == len(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_other_names_stay_apart(one: str, other: str) -> None:
    assert analysis.fold(one) != analysis.fold(other)


def test_each_form_finds_the_other_alone_in_a_name_and_in_a_sentence(tmp_path: Path) -> None:
    everything = [(f"张{one}明", f"张{other}明") for one, other in pairs()]
    everything += [(f"经查{one}情况属实", f"经查{other}情况属实") for one, other in pairs()]
    everything += [*pairs(), *NAMES, *SENTENCES]
    engine = TantivyEngine(tmp_path / "index", create=True)
    nothing = analysis.analyse("")
    entries = []
    for number, text in enumerate(text for pair in everything for text in pair):
        cut = analysis.analyse(analysis.fold(text))
        entries.append(IndexDocument(f"r{number}", number, nothing, cut, (), "990101", "open", ()))
    engine.apply(entries, [])
    permission = PermissionFilter((Scope(("",), ("open",)),))
    for number, (one, other) in enumerate(everything):
        both = PermissionFilter((Scope(("",), ("open",), ids=(f"r{2 * number}", f"r{2 * number + 1}")),))
        for typed in (one, other):
            query = parse(f'"{typed}"', lambda text, purpose: f"{purpose}{text}")
            assert engine.search(query, both, limit=0).total == 2, (typed, one, other)
            assert engine.search(query, permission, limit=0).total >= 2
    engine.close()
