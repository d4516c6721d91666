"""Help: what each room is for and how its work is done, for whoever is signed in."""

from __future__ import annotations

from fastapi import Response

from lantai.part import Part
from lantai.web import helping, labels
from lantai.web.rendering import page
from lantai.web.visit import SignedVisit
from metadata.errors import NotFound

router = Part()


@router.get("/help")
def index(visit: SignedVisit) -> Response:
    """The rooms open to the person, each with its help, and the keys."""
    rooms = [room for room in labels.rooms(visit) if room.code in helping.ROOMS]
    topics = [(room, helping.topic(room.code, visit.language)) for room in rooms]
    return page(visit, "help_index.html", topics=[(room, topic) for room, topic in topics if topic is not None])


@router.get("/help/{code}")
def show(visit: SignedVisit, code: str) -> Response:
    """The help of one room; no secret, so it may be read before a role is granted."""
    topic = helping.topic(code, visit.language)
    if topic is None:
        raise NotFound(
            "help.unknown",
            zh="没有这一页帮助。请从帮助目录中选择。",
            en="There is no such page of help. Choose one from the table of contents.",
        )
    room = next((one for one in labels.ROOMS if one.code == code), None)
    opened = room is not None and any(one.code == code for one in labels.rooms(visit))
    return page(visit, "help.html", topic=topic, path_of_room=room.path if room and opened else "")
