"""A small host that follows docs/host-contract.md: all that it knows is what it gets back."""

from collections.abc import Mapping

from attrs import define

from paperless_ivr.flow.host import Moment


@define
class Host:
    """The payment line's side of one call: greets, takes the payment, hands over in between.

    It never hands over again in a call that came back with `offer_again=no`, goes on at the
    `moment` that it gets back, greets where `greeted` is no, and takes no payment where `paid`
    is yes.
    """

    greetings: int = 0
    payments: int = 0
    may_offer: bool = True

    def comes_in(self) -> Moment | None:
        """The call is answered; when it is handed over, or None where it ends."""
        return Moment.START

    def comes_back(self, told: Mapping[str, str]) -> Moment | None:
        """The call is handed back; when it is handed over again, or None where it ends."""
        self.may_offer = told.get("offer_again") != "no"
        if told.get("greeted") != "yes":
            self.greetings += 1
        match told.get("moment"):
            case "start":
                return Moment.BEFORE_PAYMENT if self.may_offer else self._takes_payment()
            case "before_payment" if told.get("paid") != "yes":
                return self._takes_payment()
            case _:
                return None

    def _takes_payment(self) -> Moment | None:
        self.payments += 1
        return Moment.AFTER_PAYMENT if self.may_offer else None
