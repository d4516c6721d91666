"""Uploads as streams: no file of a deposit is ever whole in memory or spooled twice.

A form is read part by part while it arrives; each file goes through a bounded pipe to a thread that digests it and
writes it into quarantine. A line that breaks off is told to that thread, which keeps nothing of the file.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar, cast

import anyio
from anyio import from_thread, to_thread
from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from lantai.problems import Malformed
from metadata.errors import Unavailable

_Taken = TypeVar("_Taken")
CHUNK = 1 << 20
FIELD_BYTES = 64 << 10
_PIPED = 4


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the form; ``chunks`` must be read to the end before the next part is asked for."""

    name: str
    filename: str
    chunks: AsyncIterator[bytes]


def _malformed() -> Malformed:
    return Malformed(
        "deposit.unreadable_form",
        zh="上传的内容无法读取，没有接收任何文件。请刷新本页后重新选择文件。",
        en="What was sent could not be read; no file was taken in. Reload the page and choose the files again.",
    )


def broken_off() -> Unavailable:
    """The sentence for a line that was lost in the middle of a file."""
    return Unavailable(
        "deposit.interrupted",
        zh="上传中断，该文件没有接收。请重新上传这个文件。",
        en="The upload broke off and this file was not taken in. Send it again.",
    )


class _Events:
    """What the parser calls back, in order: ``(kind, bytes)``."""

    def __init__(self, boundary: bytes) -> None:
        self.waiting: deque[tuple[str, bytes]] = deque()
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": lambda: self._add("begin"),
                "on_header_field": lambda data, start, end: self._add("header", data[start:end]),
                "on_header_value": lambda data, start, end: self._add("value", data[start:end]),
                "on_header_end": lambda: self._add("header_end"),
                "on_headers_finished": lambda: self._add("headers_end"),
                "on_part_data": lambda data, start, end: self._add("data", data[start:end]),
                "on_part_end": lambda: self._add("end"),
            },
        )

    def _add(self, kind: str, data: bytes = b"") -> None:
        self.waiting.append((kind, data))


class FormStream:
    """The parts of a ``multipart/form-data`` body, one after the other."""

    def __init__(self, request: Request) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _malformed()
        self._events = _Events(options[b"boundary"])
        self._body = request.stream()

    async def _next(self) -> tuple[str, bytes] | None:
        while not self._events.waiting:
            try:
                chunk = await anext(self._body)
            except StopAsyncIteration:
                return None
            except ClientDisconnect as error:
                raise broken_off() from error
            try:
                self._events.parser.write(chunk)
            except FormParserError as error:
                raise _malformed() from error
        return self._events.waiting.popleft()

    async def parts(self) -> AsyncIterator[Field | Upload]:
        """Fields and files as they come."""
        while (event := await self._next()) is not None:
            if event[0] != "begin":
                continue
            name, filename = await self._head()
            if filename is None:
                yield Field(name, await self._value())
                continue
            chunks = self._chunks()
            yield Upload(name, filename, chunks)
            async for _left in chunks:  # a file that nobody read is passed over
                pass

    async def drain(self) -> None:
        """Read what is left away, so that the browser, which still sends, comes to see the answer."""
        while await self._next() is not None:
            pass

    async def _head(self) -> tuple[str, str | None]:
        name = value = b""
        disposition = b""
        while (event := await self._next()) is not None:
            kind, data = event
            if kind == "header":
                name += data
            elif kind == "value":
                value += data
            elif kind == "header_end":
                if name.lower() == b"content-disposition":
                    disposition = value
                name = value = b""
            elif kind == "headers_end":
                _kind, options = parse_options_header(disposition)
                given = options.get(b"filename")
                return _text(options.get(b"name", b"")), None if given is None else _file_name(given)
        raise _malformed()

    async def _value(self) -> str:
        held = bytearray()
        async for chunk in self._chunks():
            held += chunk
            if len(held) > FIELD_BYTES:
                raise _malformed()
        return _text(bytes(held))

    async def _chunks(self) -> AsyncIterator[bytes]:
        held = bytearray()
        while True:
            event = await self._next()
            if event is None:
                raise broken_off()
            kind, data = event
            if kind == "end":
                break
            held += data
            if len(held) >= CHUNK:
                yield bytes(held)
                held.clear()
        if held:
            yield bytes(held)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _file_name(raw: bytes) -> str:
    """The name as the person sees it: browsers escape only quotes and line ends (WHATWG HTML, form submission)."""
    text = _text(raw)
    for escaped, plain in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        text = text.replace(escaped, plain)
    return text


class _Pipe(io.RawIOBase):
    """The reading end of an upload, used in a thread: asks the event loop for the next chunk."""

    def __init__(self, receive: Callable[[], Coroutine[Any, Any, bytes | Exception]]) -> None:
        self._receive = receive
        self._left = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``; 0 at the end of the file."""
        if self._ended:
            return 0
        if not self._left:
            try:
                chunk = from_thread.run(self._receive)
            except (
                anyio.EndOfStream
            ) as error:  # the end of a file is an empty chunk; this is a request that was dropped
                raise broken_off() from error
            if isinstance(chunk, Exception):
                raise chunk
            self._left = memoryview(chunk)
            if not self._left:
                self._ended = True
                return 0
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._left))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


async def piped(chunks: AsyncIterator[bytes], take: Callable[[BinaryIO], _Taken]) -> _Taken:
    """Run ``take`` in a thread on a binary stream of ``chunks``; what ``take`` returns.

    An error of the sending side reaches ``take`` as the exception it is; an error of ``take`` stops the reading.
    """
    send, receive = anyio.create_memory_object_stream[bytes | Exception](_PIPED)
    taken: list[_Taken] = []
    failed: list[Exception] = []

    async def pump() -> None:
        with send:
            try:
                async for chunk in chunks:
                    if chunk:
                        await send.send(chunk)
                await send.send(b"")
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the thread has ended; its error is raised below
            except ClientDisconnect:
                await send.send(broken_off())
            except Exception as error:  # noqa: BLE001 - raised again where the file is taken in
                await send.send(error)

    def work() -> _Taken:
        return take(cast("BinaryIO", io.BufferedReader(_Pipe(receive.receive), CHUNK)))

    async with anyio.create_task_group() as group:
        group.start_soon(pump)
        try:
            taken.append(await to_thread.run_sync(work))
        except Exception as error:  # noqa: BLE001 - raised below, outside the group, as itself
            failed.append(error)
        receive.close()
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    return taken[0]
