"""The text of link pages and e-mails, in English and in Spanish."""

import enum
from collections.abc import Mapping

from attrs import frozen


class Standing(enum.Enum):
    """The result of opening a link."""

    OPEN = "open"
    DONE = "done"
    BAD_EMAIL = "bad_email"
    USED = "used"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCELED = "cancelled"
    UNKNOWN = "unknown"
    FAILED = "failed"


@frozen
class PageWords:
    """The text of a link's page."""

    title: str
    paragraphs: tuple[str, ...]


@frozen
class Words:
    """All text in one language.

    Its placeholders are `biller`, `bill`, `on_paper`, `link` (only in e-mails), and `count` (only
    in `on_paper_many`).
    """

    pages: Mapping[Standing, PageWords]
    button: str
    email_label: str
    subject: str
    email: str
    on_paper_1: str
    on_paper_2: str
    on_paper_many: str

    def on_paper(self, bills: int) -> str:
        """Return how many bills may still come on paper, with the words used in the call."""
        if bills > 2:
            return self.on_paper_many.format(count=bills)
        return self.on_paper_1 if bills == 1 else self.on_paper_2


_ASK = (
    "Press the button to get your {bill} from {biller} electronically.",
    "You may still get {on_paper} on paper first.",
    "You can go back to paper at any time, free of charge: call {biller}.",
    "You need a program that shows PDF files.",
    "Notices that service may be shut off still come on paper.",
)
_ASK_ES = (
    "Toque el botón para recibir su {bill} de {biller} en forma electrónica.",
    "Antes, todavía puede recibir {on_paper} en papel.",
    "Puede volver al papel cuando quiera, sin costo: llame a {biller}.",
    "Necesita un programa que muestre archivos PDF.",
    "Los avisos de corte del servicio siguen llegando en papel.",
)

ENGLISH = Words(
    pages={
        Standing.OPEN: PageWords("Paperless billing: {bill}", _ASK),
        Standing.BAD_EMAIL: PageWords(
            "Paperless billing: {bill}",
            ("That is not a valid e-mail address. Please check it.", *_ASK),
        ),
        Standing.DONE: PageWords(
            "You are set up",
            (
                "Your {bill} from {biller} now comes electronically.",
                "You may still get {on_paper} on paper first.",
                "You can close this page.",
            ),
        ),
        Standing.USED: PageWords(
            "This link was used", ("Your {bill} from {biller} is already set up.",)
        ),
        Standing.EXPIRED: PageWords(
            "This link has expired",
            ("Nothing was changed. Call {biller} if you would like a new link.",),
        ),
        Standing.REPLACED: PageWords(
            "This link was replaced", ("A newer link was sent to you. Please use that one.",)
        ),
        Standing.CANCELED: PageWords(
            "This link was canceled", ("Your {bill} from {biller} stays on paper.",)
        ),
        Standing.UNKNOWN: PageWords(
            "Unknown link", ("Please check that you copied the whole link.",)
        ),
        Standing.FAILED: PageWords(
            "Something went wrong", ("Nothing was changed. Please try again later.",)
        ),
    },
    button="Switch to paperless billing",
    email_label="E-mail address for your bills",
    subject="{biller}: one more step to paperless billing",
    email="You asked {biller} to send your {bill} electronically.\n\n"
    "Open this link to confirm:\n{link}\n\n"
    "You may still get {on_paper} on paper first. You can go back to paper at any time, free of "
    "charge: call {biller}.\n\n"
    "If you did not ask for this, you can ignore this e-mail. Nothing will change.\n",
    on_paper_1="one bill",
    on_paper_2="one or two bills",
    on_paper_many="up to {count} bills",
)

SPANISH = Words(
    pages={
        Standing.OPEN: PageWords("Facturación sin papel: {bill}", _ASK_ES),
        Standing.BAD_EMAIL: PageWords(
            "Facturación sin papel: {bill}",
            ("Esa no es una dirección de correo electrónico; por favor, revísela.", *_ASK_ES),
        ),
        Standing.DONE: PageWords(
            "Listo",
            (
                "Su {bill} de {biller} ahora le llega en forma electrónica.",
                "Antes, todavía puede recibir {on_paper} en papel.",
                "Puede cerrar esta página.",
            ),
        ),
        Standing.USED: PageWords(
            "Este enlace ya se usó", ("Con él ya se cambió su {bill} de {biller}.",)
        ),
        Standing.EXPIRED: PageWords(
            "Este enlace venció",
            ("No se cambió nada. Llame a {biller} si desea un enlace nuevo.",),
        ),
        Standing.REPLACED: PageWords(
            "Este enlace fue reemplazado", ("Le enviamos uno más nuevo: por favor, use ese.",)
        ),
        Standing.CANCELED: PageWords(
            "Este enlace fue cancelado", ("Su {bill} de {biller} sigue en papel.",)
        ),
        Standing.UNKNOWN: PageWords(
            "No conocemos este enlace", ("Por favor, revise que lo haya copiado completo.",)
        ),
        Standing.FAILED: PageWords(
            "Algo salió mal", ("No se cambió nada. Inténtelo de nuevo más tarde.",)
        ),
    },
    button="Cambiar a facturación sin papel",
    email_label="Correo electrónico para sus facturas",
    subject="{biller}: falta un paso para la facturación sin papel",
    email="Usted pidió a {biller} recibir su {bill} en forma electrónica.\n\n"
    "Abra este enlace para confirmarlo:\n{link}\n\n"
    "Antes, todavía puede recibir {on_paper} en papel. Puede volver al papel cuando quiera, sin "
    "costo: llame a {biller}.\n\n"
    "Si no lo pidió, no haga nada: nada cambia.\n",
    on_paper_1="una factura",
    on_paper_2="una o dos facturas",
    on_paper_many="hasta {count} facturas",
)

WORDS: Mapping[str, Words] = {"en": ENGLISH, "es": SPANISH}


def known(tag: str | None) -> str | None:
    """Return the language of a tag such as "es-US", or None if it is not supported."""
    language = (tag or "").partition("-")[0].lower()
    return language if language in WORDS else None
