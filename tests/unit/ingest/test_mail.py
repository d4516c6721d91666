"""Mail: kept as it is, its attachments taken out under their right names, both one record."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import select

from ingest.containers.mail_child import opened
from ingest.limits import IngestLimits
from repository.archive import Archive
from repository.tables import Finding, Record, RecordPlan, SubmissionFile
from tests.corpus.makers.mail import mail as mail_of
from tests.corpus.makers.mail import raw_mail

Deposit = Callable[..., tuple[str, str]]


def _open(folder: Path, mail: bytes, most: int = 100) -> tuple[bool, list[tuple[str, bytes]]]:
    (folder / "m.eml").write_bytes(mail)
    (folder / "out").mkdir(exist_ok=True)
    answer = opened([(bytes(folder / "m.eml"), bytes(folder / "out"), most)])[0]
    assert not isinstance(answer, str), answer
    whole, told = answer
    return whole, [(name, (folder / "out" / str(place)).read_bytes()) for place, (name, *_) in enumerate(told)]


def test_attachments_come_out_byte_for_byte(tmp_path: Path) -> None:
    given = [("申请书.pdf", bytes(range(256)) * 10), ("b.txt", b"line\r\nline\n"), ("无.bin", b"")]
    assert _open(tmp_path, mail_of(*given)) == (True, given)


def test_a_mail_without_attachments_gives_none(tmp_path: Path) -> None:
    assert _open(tmp_path, mail_of()) == (True, [])


def test_names_are_read_however_they_are_written(tmp_path: Path) -> None:
    gbk = "申请书.txt".encode("gbk")
    word = b"=?gb2312?B?" + base64.b64encode(gbk) + b"?="
    halves = b"=?gbk?B?" + base64.b64encode(gbk[:3]) + b"?= =?gbk?B?" + base64.b64encode(gbk[3:]) + b"?="
    percent = "".join(f"%{one:02X}" for one in "申请书.txt".encode()).encode()
    written = [
        b'Content-Disposition: attachment; filename="' + word + b'"',
        b"Content-Disposition: attachment; filename=" + word,
        b'Content-Disposition: attachment; filename="' + halves + b'"',
        b'Content-Type: application/pdf; name="' + word + b'"',
        b"Content-Disposition: attachment; filename*=UTF-8''" + percent,
        b"Content-Disposition: attachment; filename*0*=UTF-8''" + percent[:9] + b"; filename*1*=" + percent[9:],
        b'Content-Disposition: attachment; filename="' + gbk + b'"',
        b'Content-Disposition: attachment; filename="' + "申请书.txt".encode() + b'"',
        b'Content-Disposition: attachment;\r\n filename="' + word + b'"',
    ]
    for header in written:
        assert _open(tmp_path, raw_mail(header)) == (True, [("申请书.txt", b"123")]), header


def test_bytes_of_a_name_in_gbk_are_kept(tmp_path: Path) -> None:
    gbk = "申请书.txt".encode("gbk")
    (tmp_path / "m.eml").write_bytes(raw_mail(b'Content-Disposition: attachment; filename="' + gbk + b'"'))
    ((_, told),) = opened([(bytes(tmp_path / "m.eml"), bytes(tmp_path), 10)])
    assert told == [("申请书.txt", base64.b64encode(gbk).decode(), "GB18030", 3)]


def test_names_lead_nowhere_and_never_meet(tmp_path: Path) -> None:
    given = [("../../etc/passwd", b"1"), ("C:\\x\\a.txt", b"2"), ("A.TXT", b"3"), ("a.txt", b"4"), ("..", b"5")]
    _, told = _open(tmp_path, mail_of(*given))
    assert [name for name, _ in told] == ["passwd", "a.txt", "A (2).TXT", "a (3).txt", "attachment-5.bin"]


def test_a_mail_inside_a_mail_is_one_attachment(tmp_path: Path) -> None:
    outer = EmailMessage()
    outer["From"], outer["To"] = "a@example.org", "b@example.org"
    outer.set_content("转发")
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "c@example.org", "原件"
    inner.set_content("x")
    inner.add_attachment(b"123", maintype="application", subtype="pdf", filename="内.pdf")
    outer.add_attachment(inner)
    whole, told = _open(tmp_path, outer.as_bytes())
    assert whole
    ((name, data),) = told
    assert name == "attachment-1.eml"
    assert _open(tmp_path, data) == (True, [("内.pdf", b"123")])


def test_a_mail_inside_a_mail_keeps_its_bytes(tmp_path: Path) -> None:
    inner = (
        b"Received: from a\r\n\tby b\r\nFrom: =?gbk?B?1cXOsA==?= <c@example.org>\r\nSubject: "
        + "原件".encode("gbk")
        + b"\r\nX-Long: "
        + b"a " * 200
        + b"\r\n\r\nline one\r\n\r\n.\r\nFrom here\r\n"
    )
    head = raw_mail(b"Content-Type: message/rfc822").partition(b"Content-Transfer-Encoding")[0]
    assert _open(tmp_path, head + b"\r\n" + inner + b"\r\n--xx--\r\n") == (True, [("attachment-1.eml", inner)])


def test_a_mail_cut_short_is_told(tmp_path: Path) -> None:
    mail = mail_of(("a.bin", b"x" * 5000))
    whole, told = _open(tmp_path, mail[: len(mail) // 2])
    assert not whole
    assert [name for name, _ in told] == ["a.bin"]


def test_more_attachments_than_allowed_are_refused(tmp_path: Path) -> None:
    mail = mail_of(*((f"{number}.txt", b"x") for number in range(12)))
    (tmp_path / "m.eml").write_bytes(mail)
    assert opened([(bytes(tmp_path / "m.eml"), bytes(tmp_path), 10)]) == ["container.too_many_entries"]


def test_a_hundred_thousand_nested_parts_are_no_end(tmp_path: Path) -> None:
    mail = b"From: a@example.org\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number) for number in range(200)
    )
    _open(tmp_path, mail)


# -- taken in ------------------------------------------------------------------------------------------------------


def test_a_mail_and_what_came_out_of_it_become_one_record(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("表.txt", "一")
        out.writestr("图.txt", "二")
    mail = mail_of(("申请书.txt", "申请".encode()), ("附件.zip", packed.getvalue()))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "低保材料.eml").write_bytes(mail)
    (tmp_path / "in" / "别的.txt").write_text("别的")
    submission_id, state = deposit(tmp_path / "in")
    assert state == "done"
    with archive.reading() as session:
        rows = session.execute(
            select(SubmissionFile.path, SubmissionFile.role, SubmissionFile.record_id).order_by(SubmissionFile.position)
        ).all()
        codes = session.scalars(select(Finding.code)).all()
        kinds = [one["kind"] for one in session.scalars(select(RecordPlan.spec).order_by(RecordPlan.position))]
        opened_mail = session.scalars(select(Finding).where(Finding.code == "mail.opened")).one()
        kept = session.scalars(select(SubmissionFile.source).where(SubmissionFile.path == "低保材料.eml")).one()
        assert len(session.scalars(select(Record.id)).all()) == 2
    of_mail = [path for path, role, record in rows if role == "payload" and record == rows[0][2]]
    assert {path: role for path, role, _ in rows} == {
        "低保材料.eml": "payload",
        "别的.txt": "payload",
        "低保材料.eml/申请书.txt": "payload",
        "低保材料.eml/附件.zip": "opened",
        "低保材料.eml/附件.zip/表.txt": "payload",
        "低保材料.eml/附件.zip/图.txt": "payload",
    }
    assert len(of_mail) == 4
    assert sorted(kinds) == ["file", "mail"]
    assert opened_mail.params == {"count": 2}
    assert "mail.damaged" not in codes
    assert (archive.quarantine / submission_id / kept).read_bytes() == mail
    assert not (archive.quarantine / submission_id / "opening").exists()


def test_a_damaged_mail_is_kept_with_a_warning(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    mail = mail_of(("a.bin", b"x" * 5000))
    (tmp_path / "m.eml").write_bytes(mail[: len(mail) // 2])
    _, state = deposit(tmp_path / "m.eml")
    assert state == "done"
    with archive.reading() as session:
        assert "mail.damaged" in session.scalars(select(Finding.code)).all()


def test_mails_inside_mails_end_at_the_depth_allowed(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    mail = mail_of(("a.txt", b"a"))
    for number in range(4):
        mail = mail_of((f"{number}.eml", mail))
    (tmp_path / "m.eml").write_bytes(mail)
    _, state = deposit(tmp_path / "m.eml", limits=IngestLimits(container_depth=3))
    assert state == "rejected"
    with archive.reading() as session:
        assert "container.too_deep" in session.scalars(select(Finding.code)).all()


def test_a_mail_too_large_to_parse_is_kept_unopened(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    (tmp_path / "m.eml").write_bytes(mail_of(("a.txt", b"a")))
    _, state = deposit(tmp_path / "m.eml", limits=IngestLimits(directory_bytes=1 << 20))
    assert state == "done"
    (tmp_path / "l.eml").write_bytes(mail_of(("a.txt", b"a" * (1 << 20))))
    deposit(tmp_path / "l.eml", limits=IngestLimits(directory_bytes=1 << 20))
    with archive.reading() as session:
        found = session.scalars(select(Finding).where(Finding.code == "mail.damaged")).one()
        assert (found.path, found.outcome) == ("l.eml", "not_checked")
