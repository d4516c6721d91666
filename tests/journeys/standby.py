"""A process that has loaded the program and stands by: asked for a command, it forks, and the copy is that command.

Loading the program takes two seconds of a processor, four times what most commands do then. This is run as a script
with the other end of a socket as standard input, by ``tests.journeys.warm``; it ends when that end is closed.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import NoReturn

MOST_BYTES = 1 << 17
"""Of the words and the environment of one command."""


def _stand_by(line: socket.socket) -> None:
    """Fork for every command that is asked for. Returns in the process that is to be one, never in this one."""
    while True:
        asked, places, _flags, _from = socket.recv_fds(line, MOST_BYTES, 3)
        if not asked:
            raise SystemExit
        if os.fork() == 0:
            line.detach()  # descriptor 0, which becomes /dev/null
            return _watched(json.loads(asked), *places)
        for place in places:
            os.close(place)
        while True:  # those who watched a command that has ended
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break


def _watched(asked: dict[str, object], out: int, err: int, answer: int) -> None:
    """Fork once more: the child returns as the command; its parent tells the number of it and how it ended."""
    command = os.fork()
    if command:
        os.close(0)
        os.close(out)
        os.close(err)
        _tell(answer, command)
    os.close(answer)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, stream in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(place, stream)
        os.close(place)
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    os.chdir(asked["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):  # as they are made for what they lead to now
        setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115  for as long as it runs
    sys.argv = asked["words"]


def _tell(answer: int, command: int) -> NoReturn:
    try:
        with os.fdopen(answer, "w") as line:
            print(command, file=line, flush=True)
            print(os.waitstatus_to_exitcode(os.waitpid(command, 0)[1]), file=line, flush=True)
    except BrokenPipeError:
        pass  # nobody waits any more
    finally:
        os._exit(0)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file, which no command has
    from lantai.cli import main
    from lantai.cli.app import whole

    whole()
    for later in ("lantai.metrics", "lantai.starting"):  # loaded by a worker
        import_module(later)
    gc.collect()
    gc.freeze()  # what is loaded stays: no copy looks through it again
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        raise SystemExit("a thread runs: copies of it would stand still")
    _stand_by(socket.socket(fileno=0))
    main()
