"""OFD (GB/T 33190-2016): every XML reached from OFD.xml, every resource there, its pictures decoded, its seals listed."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterable
from contextlib import suppress

from lxml import etree

from ingest.media import images, parts
from ingest.media.medium import Medium, Page, Subject

_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif")


def look(subject: Subject, medium: Medium) -> Iterable[Page]:
    """No page comes of it: a page of OFD is drawn by who shows it."""
    package = parts.opened(subject.path, subject.bounds, medium)
    if package is not None:
        with package:
            document = _Document(package, subject, medium)
            document.read()
    return ()


class _Document:
    """One package, its parts read once and followed by name."""

    def __init__(self, package: zipfile.ZipFile, subject: Subject, medium: Medium) -> None:
        self._subject, self._medium = subject, medium
        self._package = package
        self._xml: dict[str, bytes] = {}
        self._names: set[str] = set()

    def read(self) -> None:
        medium = self._medium
        for name, data in parts.members(self._package, medium):
            self._names.add(name)
            if data is not None:
                self._xml[name] = data
        if medium.problem is not None:
            return
        if "Encryptions.xml" in self._names or "Doc_0/Encryptions.xml" in self._names:
            medium.password = True
            return
        root = self._root("OFD.xml")
        if root is None:
            medium.damaged("OFD.xml")
            return
        medium.pages = 0
        for body in root.iter("{*}DocBody"):
            self._document(_text(body, "DocRoot"))
            if signatures := _text(body, "Signatures"):
                self._signatures(_join("", signatures))
        if not medium.pages and medium.problem is None:
            medium.damaged("no page")
        self._pictures()
        for name, data in self._xml.items():
            if name not in self._read:
                parts.well_formed(data, name, medium)

    _read: frozenset[str] = frozenset()

    def _root(self, name: str) -> etree._Element | None:
        data = self._xml.get(name)
        if data is None:
            return None
        self._read |= {name}
        return parts.root_of(data, name, self._medium)

    def _document(self, location: str) -> None:
        name = _join("", location)
        root = self._root(name)
        if root is None:
            self._medium.damaged(name or "DocRoot")
            return
        folder = posixpath.dirname(name)
        pages = list(root.iterfind("{*}Pages/{*}Page"))
        for number, one in enumerate(pages, start=1):
            content = self._root(_join(folder, one.get("BaseLoc") or ""))
            if content is None:
                self._medium.partial(f"{number}/{len(pages)}", "page missing")
                continue
            self._medium.pages = (self._medium.pages or 0) + 1
            codes = ("".join(map(str, code.itertext())) for code in content.iter("{*}TextCode"))
            self._medium.add_text("\n".join(codes))
            self._medium.end_first_page()
        for kind in ("PublicRes", "DocumentRes"):
            for one in root.iterfind(f"{{*}}CommonData/{{*}}{kind}"):
                self._resources(_join(folder, one.text or ""))
        for one in root.iterfind("{*}Attachments"):
            listed = self._root(_join(folder, one.text or ""))
            if listed is not None:
                self._medium.active["attachment"] += sum(1 for _ in listed.iter("{*}Attachment"))

    def _resources(self, name: str) -> None:
        root = self._root(name)
        if root is None:
            self._medium.malformed(name)
            return
        base = _join(posixpath.dirname(name), root.get("BaseLoc") or "")
        for one in root.iter("{*}MediaFile", "{*}FontFile"):
            target = _join(base, one.text or "")
            if target not in self._names:
                self._medium.malformed(target)

    def _signatures(self, name: str) -> None:
        root = self._root(name)
        if root is None:
            self._medium.malformed(name)
            return
        for one in root.iter("{*}Signature"):
            told = {"kind": "ofd " + (one.get("Type") or "Seal").lower()}
            signature = self._root(_join(posixpath.dirname(name), one.get("BaseLoc") or ""))
            if signature is not None:
                provider = signature.find("{*}SignedInfo/{*}Provider")
                if provider is not None and provider.get("ProviderName"):
                    told["signer"] = (provider.get("ProviderName") or "")[:200]
                if at := _text(signature, "SignedInfo/{*}SignatureDateTime"):
                    told["at"] = at[:40]
            self._medium.signatures.append(told)

    def _pictures(self) -> None:
        for name in sorted(self._names):
            if not name.lower().endswith(_PICTURES):
                continue
            if self._subject.late:
                self._medium.not_checked("time")
                return
            data = b""
            with suppress(KeyError, zipfile.BadZipFile):
                data = self._package.read(name)
            if fault := images.decodes(io.BytesIO(data), self._subject.bounds.image_pixels):
                self._medium.partial(name, fault)


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext("{*}" + path) or "").strip()


def _join(folder: str, location: str) -> str:
    """A location (ST_Loc, GB/T 33190 7.2): from the package's root when it begins with a slash."""
    location = location.strip()
    joined = location if location.startswith("/") else posixpath.join(folder, location)
    return posixpath.normpath(joined).lstrip("/") if joined else ""
