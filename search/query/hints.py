"""Hints for a query that cannot be meant. Each names the place, counted from 1, and repeats no word of the query."""

from __future__ import annotations

from collections.abc import Iterable

from metadata.errors import Forbidden, Invalid


def too_long(most: int) -> Invalid:
    """More characters than a query may have."""
    return Invalid(
        "search.too_long",
        zh=f"检索词过长（最多 {most} 字）。请只输入最有特征的几个词。",
        en=f"The query is too long (at most {most} characters). Enter only a few telling words.",
    )


def empty() -> Invalid:
    """Nothing to look for."""
    return Invalid(
        "search.empty",
        zh="请输入至少一个字或一个词；只输入 * 可列出全部。",
        en="Enter at least one character or word; * alone lists everything.",
    )


def too_many_words(most: int) -> Invalid:
    """More conditions than a query may have."""
    return Invalid(
        "search.too_many_words",
        zh=f"检索词过多（最多 {most} 个）。请减少几个词，或用引号把整句作为短语检索。",
        en=f"Too many words (at most {most}). Use fewer, or put the whole sentence into quotes.",
    )


def too_deep(most: int) -> Invalid:
    """Brackets inside brackets beyond reason."""
    return Invalid(
        "search.too_nested",
        zh=f"括号嵌套过深（最多 {most} 层）。请把条件写得简单一些。",
        en=f"Brackets are nested too deeply (at most {most}). Write the conditions more simply.",
    )


def open_quote(place: int) -> Invalid:
    """A quote without its partner."""
    return Invalid(
        "search.open_quote",
        zh=f"第 {place + 1} 个字处的引号没有成对。请补上另一半引号，或去掉引号。",
        en=f"The quote at character {place + 1} has no partner. Add the other quote, or remove it.",
        place=place + 1,
    )


def bracket(place: int) -> Invalid:
    """A bracket without its partner, or with nothing inside."""
    return Invalid(
        "search.bracket",
        zh=f"第 {place + 1} 个字处的括号没有成对，或括号内没有内容。请补全括号，或去掉括号。",
        en=f"The bracket at character {place + 1} has no partner or nothing inside. Complete it, or remove it.",
        place=place + 1,
    )


def operator(place: int) -> Invalid:
    """AND, OR or NOT with nothing to join."""
    return Invalid(
        "search.operator",
        zh=f"第 {place + 1} 个字处的 AND/OR/NOT（与/或/非）缺少要连接的词。请补上一个词；若要检索这个词本身，请加引号。",
        en=f"The AND, OR or NOT at character {place + 1} has nothing to join. Add a word, or quote it to find the word itself.",
        place=place + 1,
    )


def wildcard(place: int) -> Invalid:
    """A wildcard where none is understood."""
    return Invalid(
        "search.wildcard",
        zh=f"第 {place + 1} 个字处的通配符不能这样用。* 只能放在两个以上字母或数字之后，如 abc*；汉字可直接输入其中连续的几个字；只输入 * 可列出全部。",
        en=f"The wildcard at character {place + 1} cannot stand there. Use * only after two or more letters or digits, as abc*; enter Chinese characters as they follow each other; * alone lists everything.",
        place=place + 1,
    )


def unknown_field(place: int, known: Iterable[str]) -> Invalid:
    """A field that there is not."""
    listed = list(known)
    return Invalid(
        "search.unknown_field",
        zh=f"第 {place + 1} 个字处冒号前不是可检索的字段。可用字段：{'、'.join(listed)}。若要检索这段文字本身，请加引号。",
        en=f"What stands before the colon at character {place + 1} is not a field. Fields: {', '.join(listed)}. Quote it to find the text itself.",
        place=place + 1,
    )


def field_without_value(place: int) -> Invalid:
    """A field with nothing after the colon."""
    return Invalid(
        "search.field_without_value",
        zh=f"第 {place + 1} 个字处的字段后没有内容。请在冒号后写上要找的词，如 姓名:张伟。",
        en=f"The field at character {place + 1} has no value. Write what to look for after the colon, as name:张伟.",
        place=place + 1,
    )


def unknown_value(place: int, field: str, examples: Iterable[str]) -> Invalid:
    """A value that the field does not know."""
    listed = [one for one in examples if one][:8]
    zh = f"可用的有：{'、'.join(listed)}。" if listed else "请核对后再试。"
    en = f"There are: {', '.join(listed)}." if listed else "Check it and try again."
    return Invalid(
        "search.unknown_value",
        zh=f"第 {place + 1} 个字处，字段“{field}”没有这个值。{zh}",
        en=f"At character {place + 1}, the field {field!r} has no such value. {en}",
        place=place + 1,
        field=field,
    )


def bad_date(place: int) -> Invalid:
    """A date or year that is none."""
    return Invalid(
        "search.bad_date",
        zh=f"第 {place + 1} 个字处的日期看不懂。请写成 2024、2024-03、2024-03-01、2024年3月、2024-01..2024-06 或 >=2024-03-01。",
        en=f"The date at character {place + 1} is not understood. Write 2024, 2024-03, 2024-03-01, 2024-01..2024-06 or >=2024-03-01.",
        place=place + 1,
    )


def numbers_forbidden() -> Forbidden:
    """A personal number asked for by somebody who may not see one."""
    return Forbidden(
        "search.numbers_forbidden",
        zh="您的角色不能按身份证号、银行账号或电话号码（含尾号）检索。请改用姓名或户号，或向安全保密管理员申请。",
        en="None of your roles may search by ID, bank or telephone number, nor by its last digits. Use a name or household number, or ask the security administrator.",
    )
