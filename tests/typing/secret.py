"""Never run: what a type checker must report about secrets."""

from paperless_ivr.secret import Secret, email


def log(text: str) -> None:
    """A place where a secret must not go."""


log(email("pat@example.com"))  # type: ignore[arg-type]  # a Secret is not a str
log(email("pat@example.com").reveal())

as_text: str = email("pat@example.com") + "?"  # type: ignore[operator]
kept: Secret = email("pat@example.com")
