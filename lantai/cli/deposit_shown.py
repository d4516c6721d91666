"""How a deposit's findings and receipt are printed, wherever it was made, and the exit code that its state means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lantai.cli.output import emit, err, out, say

STATES = {
    "receiving": ("接收中", "arriving"),
    "examining": ("检测中", "being examined"),
    "waiting": ("待档案员接收", "waits for an archivist"),
    "accepted": ("已接收，打包中", "accepted, being packed"),
    "storing": ("写入副本中", "being written"),
    "done": ("已入库", "in the holdings"),
    "rejected": ("须更正，没有归档", "to be mended, nothing was filed"),
    "returned": ("已退回", "returned"),
    "withdrawn": ("已撤回", "withdrawn"),
    "failed": ("中断，等待处理", "set aside"),
}
"""The states of a deposit in words."""
EXIT = {"done": 0, "returned": 1, "rejected": 1, "withdrawn": 1, "failed": 1, "waiting": 3}


def show(
    submission_id: str,
    state: str,
    counts: Mapping[str, Any],
    told: Sequence[Mapping[str, Any]],
    paper: Mapping[str, Any],
    *,
    json: bool,
) -> None:
    """Findings on standard error, then the state; or everything as one line of JSON."""
    if json:
        emit(
            {"submission_id": submission_id, "state": state, "counts": counts, "findings": told, "receipt": paper},
        )
        return
    for one in told:
        style = {"error": "red", "warning": "yellow"}.get(str(one["severity"]), "dim")
        err.print(f"[{one['code']}] {one['path'] or ''}", style=style, markup=False)
        err.print(f"  {one['zh']}\n  {one['en']}", markup=False)
    out.print(f"{submission_id}  {state}", markup=False)
    zh, en = STATES.get(state, (state, state))
    say(
        f"接收 {counts.get('files', 0)} 个文件，{counts.get('records', 0)} 件；状态：{zh}。",
        f"Files: {counts.get('files', 0)}; records: {counts.get('records', 0)}; state: {en}.",
    )
    if left := paper.get("left_out"):
        say(
            f"未入库（请改正后重新移交）：{len(left)} 个。", f"Left out, to be mended and deposited again: {len(left)}."
        )
        for path in left:
            err.print(f"  {path}", markup=False)
    if paper.get("keep_source"):
        say("原件请保留到首次审计通过。", "Keep the source until the first audit has passed.")
