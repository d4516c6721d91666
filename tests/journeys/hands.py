"""How somebody works a page: with a mouse, or with nothing but the keys. Both count what they do.

A click, a tap and a key each count as one; words typed into a field count apart, by characters, since nobody is spared
them; a file chosen in the system's own window counts as one choice, whatever that window asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page

_MOST_TABS = 250
_MOST_ARROWS = 250
_HERE = "one => one === document.activeElement"


@dataclass
class Counts:
    """What was done by hand."""

    clicks: int = 0
    keys: int = 0
    typed: int = 0
    choices: int = 0


@dataclass
class Mouse:
    """Clicks and typing, also on a phone."""

    page: Page
    counts: Counts = field(default_factory=Counts)

    def press(self, target: Locator) -> None:
        """A button, link, summary, tick box or radio button."""
        self.counts.clicks += 1
        target.click()

    def fill(self, target: Locator, words: str) -> None:
        """Words into a field."""
        self.counts.clicks += 1
        self.counts.typed += len(words)
        target.fill(words)

    def choose(self, target: Locator, value: str) -> None:
        """One entry of a list."""
        self.counts.clicks += 2  # the list, the entry
        target.select_option(value)

    def attach(self, target: Locator, files: Path | Sequence[Path]) -> None:
        """Files in the system's window."""
        self.counts.clicks += 1
        self.counts.choices += 1
        target.set_input_files(files)

    def key(self, name: str) -> None:
        """One key or shortcut."""
        self.counts.keys += 1
        self.page.keyboard.press(name)


@dataclass
class Keyboard:
    """Tab, Enter, Space, arrows and letters; never a mouse."""

    page: Page
    counts: Counts = field(default_factory=Counts)

    def key(self, name: str) -> None:
        """One key or shortcut."""
        self.counts.keys += 1
        self.page.keyboard.press(name)

    def reach(self, target: Locator) -> None:
        """Tab until ``target`` has the focus; what Tab does not reach cannot be worked without a mouse."""
        target.wait_for(state="visible")
        for _ in range(_MOST_TABS):
            if target.evaluate(_HERE):
                return
            self.key("Tab")
        raise AssertionError(f"Tab does not reach {target}")

    def press(self, target: Locator) -> None:
        """Space for tick boxes and radio buttons, Enter for the others."""
        kind = target.get_attribute("type")
        if kind == "radio":
            return self._radio(target)
        self.reach(target)
        self.key("Space" if kind == "checkbox" else "Enter")
        return None

    def _radio(self, target: Locator) -> None:
        """Tab reaches the chosen one of a group; arrows go on from there."""
        name = target.get_attribute("name")
        self.reach(self.page.locator(f"input[type=radio][name={name}]:checked"))
        for _ in range(_MOST_ARROWS):
            if target.is_checked():
                return
            self.key("ArrowDown")
        raise AssertionError(f"the arrows do not reach {target}")

    def fill(self, target: Locator, words: str) -> None:
        """Words into a field, over what stands there."""
        self.reach(target)
        self.key("Control+a")
        self.counts.typed += len(words)
        self.page.keyboard.insert_text(words)

    def choose(self, target: Locator, value: str) -> None:
        """One entry of a list, by the arrows: typing Chinese ahead needs an input method of the system."""
        self.reach(target)
        for _ in range(_MOST_ARROWS):
            if target.input_value() == value:
                return
            self.key("ArrowDown")
        raise AssertionError(f"the arrows do not reach {value}")

    def attach(self, target: Locator, files: Path | Sequence[Path]) -> None:
        """Files in the system's window, which a key opens."""
        self.reach(target)
        with self.page.expect_file_chooser() as waiting:
            self.page.wait_for_timeout(200)  # the browser hands its window over from now on
            self.key("Enter")
        self.counts.choices += 1
        waiting.value.set_files(files)


Hands = Mouse | Keyboard
