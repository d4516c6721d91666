"""DA/T 46-2009 文书类电子文件元数据方案: the 88 elements M1 to M88, and which field of a description fills which.

An element is mandatory where the encapsulation schema of DA/T 48-2009 gives it no ``minOccurs="0"``; besides these M17
or M18 is required. What social assistance needs beyond the 88 stands under our own prefix ``lantai:``, never under
a new M number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Entity = Literal["file", "agent", "business", "relation"]


@dataclass(frozen=True, slots=True)
class Element:
    """One element: number ``M22``, Chinese name, code name, entity it belongs to."""

    number: str
    zh: str
    code: str
    mandatory: bool
    entity: Entity


# In the order of the standard; * marks the mandatory ones.
_TABLE = """
聚合层次* aggregation_level | 来源* provenance | 档案馆名称 archives_name | 档案馆代码 archives_identifier
全宗名称 fonds_name | 立档单位名称* fonds_constituting_unit_name | 电子文件号* electronic_record_code
档号* archival_code | 全宗号 fonds_identifier | 目录号 catalogue_number | 年度* year | 保管期限* retention_period
机构或问题 organizational_structure_or_function | 类别号 category_code | 室编案卷号 agency_file_number
馆编案卷号 archives_file_number | 室编件号 agency_item_number | 馆编件号 archives_item_number
文档序号 document_sequence_number | 页号 page_number | 内容描述* content_description | 题名* title
并列题名 parallel_title | 副题名 alternative_title | 说明题名文字 other_title_information | 主题词 descriptor
关键词 keyword | 人名 personal_name | 摘要 abstract | 分类号 class_code | 文件编号 document_number | 责任者* author
日期* date | 文种 document_type | 紧急程度 precedence | 主送 principal_receiver | 抄送 other_receivers
密级* security_classification | 保密期限 secrecy_period | 形式特征* formal_characteristics
文件组合类型* document_aggregation_type | 件数 total_number_of_items | 页数 total_number_of_pages | 语种 language
稿本 manuscript_type | 电子属性 electronic_attributes | 格式信息 format_information
计算机文件名* computer_file_name | 计算机文件大小* computer_file_size | 文档创建程序 document_creating_application
信息系统描述 information_system_description | 数字化属性 digitization_attributes
数字化对象形态 physical_record_characteristics | 扫描分辨率 scanning_resolution | 扫描色彩模式 scanning_color_model
图像压缩方案 image_compression_scheme | 电子签名 electronic_signature | 签名规则 signature_rules
签名时间 signature_time | 签名人 signer | 签名结果 signature | 证书 certificate | 证书引证 certificate_reference
签名算法标识 signature_algorithm_identifier | 存储位置* storage_location | 当前位置 current_location
脱机载体编号* offline_medium_identifier | 脱机载体存址 offline_medium_storage_location | 缩微号 microform_identifier
权限管理 rights_management | 知识产权说明 intellectual_property_statement | 授权对象 authorized_agent
授权行为 permission_assignment | 控制标识 control_identifier | 附注 annotation | 机构人员类型 agent_type
机构人员名称* agent_name | 组织机构代码 organization_code | 个人职位 position_name | 业务状态* business_status
业务行为* business_activity | 行为时间* action_time | 行为依据 action_mandate | 行为描述 action_description
实体标识符 entity_identifier | 关系类型 relation_type | 关系 relation | 关系描述 relation_description
"""


def _entity(position: int) -> Entity:
    if position <= 75:
        return "file"
    if position <= 79:
        return "agent"
    return "business" if position <= 84 else "relation"


def _read_table() -> dict[str, Element]:
    elements = {}
    for position, entry in enumerate(_TABLE.replace("\n", "|").strip("|").split("|"), start=1):
        zh, code = entry.split()
        number = f"M{position}"
        elements[number] = Element(number, zh.rstrip("*"), code, zh.endswith("*"), _entity(position))
    return elements


ELEMENTS: dict[str, Element] = _read_table()
"""Number -> element, in the order of the standard."""

BY_CODE: dict[str, Element] = {element.code: element for element in ELEMENTS.values()}
MANDATORY: tuple[str, ...] = tuple(number for number, element in ELEMENTS.items() if element.mandatory)

FIELDS: dict[str, str] = {
    "level": "M1",
    "fonds": "M9",
    "year": "M11",
    "title": "M22",
    "persons": "M28",
    "document_number": "M31",
    "author": "M32",
    "date": "M33",
    "security": "M38",
    "page_count": "M43",
    "language": "M44",
    "access_level": "M74",
    "note": "M75",
    "document_type": "lantai:document_type",
    "programme": "lantai:programme",
    "division_code": "lantai:division_code",
    "access_marks": "lantai:access_marks",
}
"""Field of a description -> the element that carries it."""
