"""Error kinds of the whole program.

    LantaiError
        NotFound      nothing there, or nothing that this person may know of
        Invalid       what was given breaks a rule; the person can mend it
        Conflict      somebody or something else was first; nothing was overwritten
        Forbidden     the person is known and may not do this
        Unavailable   a part of the site (store, database, index) does not answer now; try again later

Every error carries a stable ``code`` (lower case, dots between words) and a sentence
in Chinese and English that says what happened, to which thing, and what to do next. Only ``lantai.problems`` turns a
kind into an HTTP status (RFC 9457) or an exit code.
"""

from __future__ import annotations


class LantaiError(Exception):
    """Root of all errors that a person may be shown.

    ``params`` name the things concerned (paths, ids); they never hold personal values.
    """

    def __init__(self, code: str, *, zh: str, en: str, **params: object) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en
        self.params = params

    def sentence(self, language: str = "zh") -> str:
        """The sentence for the person, in ``zh`` or ``en``."""
        return self.en if language.startswith("en") else self.zh


class NotFound(LantaiError):
    """Nothing there, or nothing that this person may know of."""


class Invalid(LantaiError):
    """What was given breaks a rule that the sentence names."""


class Conflict(LantaiError):
    """Somebody was first; nothing was overwritten."""


class Forbidden(LantaiError):
    """The person is known and may not do this."""


class Unavailable(LantaiError):
    """A part of the site does not answer now."""
