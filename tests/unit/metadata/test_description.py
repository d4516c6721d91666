"""Descriptions and the standards they map to."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from metadata import dat46, dublin_core, formats, isadg
from metadata.description import Description, missing_mandatory
from metadata.levels import Level
from metadata.rights import ACCESS_LEVELS, AccessLevel, Permission


def whole() -> Description:
    return Description(
        title=" 入户调查表 ",
        document_type="CHK07",
        fonds="J019",
        programme="DB",
        date=date(2024, 3, 5),
        author="青松镇人民政府",
        division_code="990101001001",
        page_count=3,
        persons=["张三", "李四"],
        document_number="青民救〔2024〕7号",
        security="内部",
        access_level=AccessLevel.RESTRICTED,
        access_marks=["medical"],
        note="合成样例",
        extra={"M8": "J019-ZY·DB·2024·D30-00001-003", "box": 4},
    )


def test_dat46_has_all_elements() -> None:
    assert list(dat46.ELEMENTS) == [f"M{n}" for n in range(1, 89)]
    assert dat46.ELEMENTS["M22"].code == "title"
    assert dat46.ELEMENTS["M45"].zh == "稿本"
    assert dat46.ELEMENTS["M88"].code == "relation_description"
    assert {n for n in dat46.MANDATORY if dat46.ELEMENTS[n].entity != "file"} == {"M77", "M80", "M81", "M82"}
    assert len(dat46.MANDATORY) == 22
    assert dat46.BY_CODE["archival_code"].number == "M8"


def test_to_dat46() -> None:
    values = whole().to_dat46()
    assert values["M1"] == "文件"
    assert values["M11"] == "2024"
    assert values["M22"] == "入户调查表"
    assert values["M28"] == "张三；李四"
    assert values["M33"] == "2024-03-05"
    assert values["M74"] == "受限"
    assert values["M8"] == "J019-ZY·DB·2024·D30-00001-003"
    assert values["lantai:document_type"] == "CHK07"
    assert list(values)[:3] == ["M1", "M8", "M9"]
    assert "box" not in values


def test_missing_mandatory() -> None:
    missing = missing_mandatory(whole().to_dat46())
    assert "M22" not in missing
    assert {"M12", "M48"} <= set(missing)


def test_to_isadg_and_dublin_core() -> None:
    rules = whole().to_isadg()
    assert rules["3.1.1"] == "J019-ZY·DB·2024·D30-00001-003"
    assert rules["3.1.5"] == "3 页"
    assert set(rules) <= set(isadg.ELEMENTS)
    assert len(isadg.ELEMENTS) == 26
    assert len(isadg.ESSENTIAL) == 6
    core = whole().to_dublin_core()
    assert core["title"] == ["入户调查表"]
    assert set(core) <= set(dublin_core.ELEMENTS)
    assert "张三" not in str(core)


def test_every_mapped_field_exists() -> None:
    for fields in (dat46.FIELDS, isadg.FIELDS, dublin_core.FIELDS):
        assert set(fields) <= set(Description.model_fields)


def test_json_and_back() -> None:
    dumped = whole().model_dump(mode="json")
    assert dumped["date"] == "2024-03-05"
    assert dumped["level"] == "item"
    assert Description.model_validate(dumped) == whole()


def test_revised_is_checked() -> None:
    assert whole().revised(title="新题名").title == "新题名"
    with pytest.raises(ValidationError):
        whole().revised(title="")
    with pytest.raises(ValidationError):
        whole().title = "x"  # type: ignore[misc]  # that it is frozen is what is tested


@pytest.mark.parametrize("title", ["", "  ", "坏\ufffd字", "坏\u202e字", "坏\x07字", "坏\ue000字"])
def test_refused_titles(title: str) -> None:
    with pytest.raises(ValidationError):
        Description(title=title)


def test_refused_values() -> None:
    for values in ({"division_code": "12x"}, {"security": "top"}, {"unknown": 1}, {"year": 12}, {"access_level": "x"}):
        with pytest.raises(ValidationError):
            Description.model_validate({"title": "件", **values})
    assert Description(title="件", division_code="").division_code is None


def test_levels() -> None:
    assert Level.FILE.holds(Level.ITEM)
    assert not Level.ITEM.holds(Level.FILE)
    assert Level.FILE.zh == Level.FILE.aggregation_level == "案卷"


def test_rights() -> None:
    assert ACCESS_LEVELS == ("open", "internal", "restricted")
    assert AccessLevel.RESTRICTED.rank == 2
    assert AccessLevel.OPEN.zh == "开放"
    assert Permission("record.read") is Permission.RECORD_READ


def test_formats() -> None:
    assert formats.is_image("image/tiff")
    assert formats.is_text("text/plain; charset=gb18030")
    assert formats.is_text("application/xml")
    assert formats.is_text("image/svg+xml")
    assert formats.is_sound("audio/x-wav")
    assert formats.is_video("video/mp4")
    assert not formats.is_image(None)
    assert formats.fitness(formats.OFD_PUID) is formats.Fitness.ACCEPT
    assert formats.fitness("fmt/276") is formats.Fitness.CONVERT
    assert formats.fitness("fmt/613") is formats.Fitness.REFUSE
    assert formats.fitness(None) is formats.Fitness.UNKNOWN
