"""``lantai ingest --server``: a deposit from a machine that has nothing of the site but its address and a token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.findings import kind_of, sentence
from ingest.outcome import Finding, Severity
from lantai.cli.deposit_shown import show
from lantai.cli.output import err, progress, warn
from lantai.remote import Listing, Remote, deposit, follow, is_plain_line, key_of, listing
from metadata.errors import Invalid
from metadata.identifiers import new_id

TOKEN = "LANTAI_TOKEN"  # noqa: S105 - the name of the variable
_SHOWN = ("code", "severity", "outcome", "path", "params", "zh", "en")


def ingest_remotely(
    server: str, token_file: Path | None, paths: list[Path], options: Mapping[str, Any], *, anew: bool, json: bool
) -> str:
    """Send ``paths``, follow the findings, print them; the state in which the deposit stands.

    ``Invalid`` without a token, with ``--in-place``, and when something at the paths cannot be sent.
    """
    token = _token(token_file)
    if options["in_place"]:
        raise Invalid(
            "ingest.in_place_remotely",
            zh="--in-place 只能在站点所在的机器上使用。请去掉该选项。",
            en="--in-place works only on the site's own machine. Leave it out.",
        )
    if is_plain_line(server):
        warn(
            "注意：连接未加密，令牌可能被同网的人看到。",
            "The line is not encrypted; others on the network can see the token.",
        )
    found = listing(paths)
    _refuse_unsendable(found)
    wish = {
        "title": ", ".join(path.name or str(path) for path in paths)[:280],
        "household_no": options["household_no"] or "",
        "programme": options["programme"] or "",
        "document_type": options["document_type"] or "",
        "one_record": options["one_record"],
        "leave_out": bool(options["leave_out"]),
    }
    remote = Remote(server, token)
    try:
        with progress("发送 sending", quiet=json) as steps:
            key = key_of(found, wish, new_id() if anew else "")
            submission_id = deposit(remote, found, wish, key=key, told=steps)
            state = follow(remote, submission_id, accept=options["accept"], told=steps)
        submission = remote.submission(submission_id)
        told = [{name: one[name] for name in _SHOWN} for one in remote.findings(submission_id)]
        counts = {name: submission[name] for name in ("files", "bytes", "records")}
        show(submission_id, state, counts, told, remote.receipt(submission_id), json=json)
    finally:
        remote.close()
    return state


def _token(token_file: Path | None) -> str:
    text = (
        token_file.read_text(encoding="utf-8", errors="replace")
        if token_file is not None
        else os.environ.get(TOKEN, "")
    )
    token = text.strip()
    if not token.isascii() or not token or len(token.split()) != 1:
        raise Invalid(
            "token.missing",
            zh=f"没有访问令牌。请用 --token-file 指定文件，或设置环境变量 {TOKEN}。",
            en=f"No access token. Name its file with --token-file, or set {TOKEN}.",
        )
    return token


def _refuse_unsendable(found: Listing) -> None:
    """Links, devices and unreadable names bar a deposit here as they do on the site's own machine."""
    barring: list[Finding] = []
    for one in found.findings:
        kind = kind_of(one.code)
        if one.code.startswith("name."):
            continue  # the site tells it itself, from the bytes of the name
        err.print(
            f"[{one.code}] {one.path or ''}", style="red" if kind.severity is Severity.ERROR else "dim", markup=False
        )
        err.print(f"  {sentence(one, 'zh')}\n  {sentence(one, 'en')}", markup=False)
        if kind.severity is Severity.ERROR:
            barring.append(one)
    if barring or not found.files:
        raise Invalid(
            "ingest.unsendable",
            zh=f"有 {len(barring)} 处内容不能移交，没有发送任何文件。请按上面的说明处理后重试。"
            if barring
            else "所选路径里没有任何文件，没有发送。请检查路径。",
            en=f"{len(barring)} things cannot be deposited; nothing was sent. Put them right as said above."
            if barring
            else "The paths hold no file; nothing was sent. Check them.",
        )
