"""Reading copies: how much of a record's content a person is given, and the watermark on what she reads under a grant.

Who reads by a role held sees the record as it is. Who reads under a grant (a borrower, a court, a household) gets
pictures of pages made here, each with a visible watermark: name, organ, moment, number of the request (借阅). Nothing
fails open: what cannot be marked is not given. The original leaves only with ``Permission.RECORD_DOWNLOAD``, and since
its numbers cannot be masked, with ``Permission.UNMASK``.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

from noto_cjk_sans_otc import FONT_PATH
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from access.actors import Actor, GrantHeld
from access.gate import Because, decide
from metadata.errors import Forbidden, NotFound, Unavailable
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import AccessGrant, AccessRequest, GrantSubject, Record

_FONTS = (
    Path(FONT_PATH),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/opentype/source-han-sans/SourceHanSansSC-Regular.otf"),
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
)
"""Fonts that draw Chinese, the one that comes with the program first."""
_INK = (104, 104, 104)
_OPACITY = 96
_RIM_OPACITY = 72
_ANGLE = 28
_QUALITY = 82
_LEAST_FONT = 14
MEDIA_TYPE = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a person sees the content of one record: why she may read it, see its numbers as they are, take it away."""

    read: Because
    numbers: Because | None
    take: Because | None

    @property
    def grant(self) -> GrantHeld | None:
        """The grant (or the request put before her) that her look rests on; None when a role of hers suffices."""
        return self.read.grant or (self.numbers.grant if self.numbers else None)

    @property
    def pictures(self) -> bool:
        """Whether she sees pictures of pages: they show numbers as they are."""
        return self.numbers is not None

    @property
    def original(self) -> bool:
        """Whether the bytes as deposited are shown in place: never under a grant that gives no copy."""
        return self.pictures and (self.grant is None or self.take is not None)

    @property
    def takes(self) -> bool:
        """Whether the original may leave."""
        return self.pictures and self.take is not None


def terms(actor: Actor, record: Record, profile: Profile) -> Terms | None:
    """The terms on which ``actor`` sees ``record``; None when she may not read it."""
    read = decide(actor, record, Permission.RECORD_READ, profile)
    if read is None:
        return None
    return Terms(
        read,
        decide(actor, record, Permission.UNMASK, profile),
        decide(actor, record, Permission.RECORD_DOWNLOAD, profile),
    )


@dataclass(frozen=True, slots=True)
class Watermark:
    """What stands on every page of a reading copy; ``at`` is a moment in the bureau's zone, to the minute.

    ``username`` stands for the name where no font draws it.
    """

    name: str
    organ: str
    at: str
    number: str
    username: str = ""

    @property
    def lines(self) -> tuple[str, str]:
        """The two lines of the mark."""
        return _plain(f"{self.name} {self.organ}"), _plain(f"{self.at} {self.number}")

    @property
    def ascii_lines(self) -> tuple[str, str, str]:
        """The lines for a font that knows no Chinese; they say so."""
        who = "".join(one for one in self.username if 32 <= ord(one) < 127) or "reader"
        number = "".join(one if 32 <= ord(one) < 127 else "-" for one in self.number)
        return who, f"{self.at} {number}", "no font for names"


def _plain(text: str) -> str:
    """``text`` on one line, without marks that turn its direction or hide."""
    shown = "".join(one for one in text if unicodedata.category(one) not in {"Cf", "Cc", "Cs", "Co", "Cn"})
    return " ".join(shown.split())[:60]


def stamped(picture: bytes, mark: Watermark) -> bytes:
    """``picture`` of a page (one that we made) with the watermark tiled over it, as ``MEDIA_TYPE``.

    ``Unavailable`` (``copy.no_watermark``) when it cannot be drawn: then nothing is shown.
    """
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            page = opened.convert("RGB")
        tile = _tile(mark, max(page.size))
        layer = Image.new("RGBA", page.size)
        for row, top in enumerate(range(-tile.height // 2, page.height, tile.height)):
            for left in range(-tile.width // 2 * (row % 2), page.width, tile.width):
                layer.paste(tile, (left, top))
        page.paste(layer, mask=layer.getchannel("A"))
        out = io.BytesIO()
        page.save(out, "JPEG", quality=_QUALITY)
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise _no_watermark() from error
    return out.getvalue()


@lru_cache(maxsize=64)
def _tile(mark: Watermark, length: int) -> Image.Image:
    """One turned mark on a transparent ground, in proportion to a page whose longer side is ``length``."""
    size = max(_LEAST_FONT, length // 52)
    font, lines = _written(mark, size)
    rim = max(1, size // 18)
    words = "\n".join(lines)
    canvas = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = canvas.multiline_textbbox((0, 0), words, font=font, spacing=size // 3, stroke_width=rim)
    written = Image.new("RGBA", (int(right - left) + size, int(bottom - top) + size))
    place = (size / 2 - left, size / 2 - top)
    drawing = ImageDraw.Draw(written)
    drawing.multiline_text(
        place,
        words,
        font=font,
        fill=(*_INK, _OPACITY),
        spacing=size // 3,
        stroke_width=rim,
        stroke_fill=(255, 255, 255, _RIM_OPACITY),
    )
    drawing.multiline_text(place, words, font=font, fill=(*_INK, _OPACITY), spacing=size // 3)
    turned = written.rotate(_ANGLE, expand=True, resample=Image.Resampling.BICUBIC)
    if turned.getchannel("A").getextrema()[1] == 0:
        raise ValueError("nothing was drawn")
    return turned


def _written(mark: Watermark, size: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, tuple[str, ...]]:
    """A font and the lines that it can draw."""
    path = next((one for one in _FONTS if one.is_file()), None)
    if path is not None:
        return ImageFont.truetype(str(path), size), mark.lines
    return ImageFont.load_default(size), mark.ascii_lines


def watermark_svg(mark: Watermark | None) -> bytes:
    """The watermark as a picture that a page lays over text: SVG of its own, tiled, seen through; empty without one."""
    if mark is None:
        return b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
    first, second = (escape(one) for one in mark.lines)
    face = 'font-family="Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif" font-size="16"'
    words = f'<text x="20" y="150">{first}</text><text x="20" y="174">{second}</text>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%">'
        '<defs><pattern id="m" width="360" height="240" patternUnits="userSpaceOnUse">'
        f'<g transform="rotate(-{_ANGLE} 120 150)" fill="#686868" fill-opacity=".34" {face}>{words}</g>'
        '</pattern></defs><rect width="100%" height="100%" fill="url(#m)"/></svg>'
    ).encode()


def _no_watermark() -> Unavailable:
    return Unavailable(
        "copy.no_watermark",
        zh="现在不能在这一页上加水印，因此不予显示。请通知管理员。",
        en="The watermark cannot be put on this page now, so the page is not shown. Tell the administrator.",
    )


def only_a_copy() -> Forbidden:
    """What somebody is told who asks for an original in place of the reading copy."""
    return Forbidden(
        "file.reading_copy",
        zh="您凭借阅授权阅读带水印的页面；原件需有复制权限才能取出。请逐页阅读，或申请复制。",
        en="Under a grant you read pages with a watermark; the original leaves only with the right to a copy. "
        "Read it page by page, or ask for a copy.",
    )


@dataclass(frozen=True, slots=True)
class EndedGrant:
    """A grant of somebody's own that is over: when, and whether somebody took it back."""

    number: str
    at: datetime
    revoked: bool


def ended_grant(session: Session, actor: Actor, record_id: str, now: datetime) -> EndedGrant | None:
    """The newest grant of ``actor`` that named this record and is over; None when there is none.

    It tells her nothing that she did not know: she was given it by name.
    """
    found = session.execute(
        select(AccessGrant, AccessRequest.number)
        .join(AccessRequest, AccessRequest.id == AccessGrant.request_id)
        .join(GrantSubject, GrantSubject.grant_id == AccessGrant.id)
        .where(
            AccessGrant.account_id == actor.id,
            GrantSubject.kind == "record",
            GrantSubject.subject_id == record_id,
            or_(AccessGrant.ends_at <= now, AccessGrant.revoked_at.is_not(None)),
        )
        .order_by(AccessGrant.seq.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    grant, number = found
    return EndedGrant(number, grant.revoked_at or grant.ends_at, grant.revoked_at is not None)


def grant_ended(ended: EndedGrant, at: str) -> NotFound:
    """What she is told whose grant is over; ``at`` in the words of the page."""
    if ended.revoked:
        return NotFound(
            "grant.revoked",
            zh=f"借阅授权 {ended.number} 已于 {at} 被收回，这件档案不能再看。如仍需要，请重新申请。",
            en=f"The grant {ended.number} was taken back at {at}; this record can be seen no longer. File a new request if you need it.",
        )
    return NotFound(
        "grant.ended",
        zh=f"借阅授权 {ended.number} 已于 {at} 到期，这件档案不能再看。如仍需要，请重新申请。",
        en=f"The grant {ended.number} ended at {at}; this record can be seen no longer. Make a new request if you still need it.",
    )
