"""Choices in a menu, and the keys for them."""

import enum

from attrs import frozen

from paperless_ivr.flow.slots import Key, Slot


class Choice(enum.Enum):
    """The meaning of a key in a menu."""

    YES = "yes"
    NO = "no"
    OTHER = "other"
    LANGUAGE = "language"
    BILL = "bill"
    MORE = "more"
    DOMAIN = "domain"
    AGAIN = "again"
    STOP = "stop"
    TEXT = "text"
    CANCEL = "cancel"


@frozen
class Option:
    """A key, its choice, and the prompt that mentions the key ("" if another prompt does)."""

    key: str
    choice: Choice
    prompt: str
    value: int | str = 0
    slots: tuple[tuple[str, Slot], ...] = ()
    language: str | None = None

    @property
    def spoken(self) -> tuple[tuple[str, Slot], ...]:
        """The slots of the prompt, including the key."""
        return (("key", Key(self.key)), *self.slots)
