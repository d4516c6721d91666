"""Mails with attachments."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage


def mail(*attachments: tuple[str, bytes], subject: str = "低保材料") -> bytes:
    """A mail in plain text and HTML with these attachments."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.org", "b@example.org", subject
    made["Date"] = "Mon, 05 Jan 2026 09:00:00 +0800"
    made.set_content("请查收。")
    made.add_alternative("<p>请查收。</p>", subtype="html")
    for name, data in attachments:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes(policy=policy.SMTP)


def raw_mail(*headers: bytes, body: bytes = b"MTIz") -> bytes:
    """A mail whose one attachment has exactly these headers."""
    part = b"\r\n".join((*headers, b"Content-Transfer-Encoding: base64", b"", body))
    return (
        b"From: a@example.org\r\nTo: b@example.org\r\nDate: Mon, 05 Jan 2026 09:00:00 +0800\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n"
        b"--xx\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xx\r\n" + part + b"\r\n--xx--\r\n"
    )
