"""A small host that follows docs/host-contract.md, and knows only what it gets back."""

from collections.abc import Mapping

from attrs import define

from paperless_ivr.flow.host import Moment


@define
class Host:
    """The payment line's side of one call: greets, takes the payment, and hands over in between.

    It never hands over again after `offer_again=no`, continues at the `moment` that it gets back,
    greets if `greeted` is no, and takes no payment if `paid` is yes.
    """

    greetings: int = 0
    payments: int = 0
    may_offer: bool = True

    def comes_in(self) -> Moment | None:
        """Answer the call. Return the moment of the hand-over; None if the call ends."""
        return Moment.START

    def comes_back(self, told: Mapping[str, str]) -> Moment | None:
        """Take the call back. Return the moment of the next hand-over; None if the call ends."""
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
