"""The e-mail decoder with made-up callers: `python benchmarks/email_decoder.py [COUNT] [SEED]`.

For each name on the account (the caller's, a spouse's, or none), the benchmark prints how often the
right address is the first guess or among the first three, and how long a guess takes. It also
prints how many keys, stars, and seconds a caller needs to enter the address and accept it, compared
with multi-tap and the two-key code for the same addresses. The seconds are calculated as in
`paperless_ivr.proof.effort`.

The benchmark does not include mistakes, the time that a caller needs to find a letter, or the
prompts before the first key (which take equally long for all three methods). The names come from
the decoder's own lists, so use the share of correct guesses only to detect regressions. It does not
predict the share for real callers.
"""

import statistics
import sys
import time
from collections.abc import Callable

from paperless_ivr.keypad.decoding import EmailDecoder
from paperless_ivr.keypad.lexicon import lexicon
from paperless_ivr.proof.effort import KEY_S, WORDS_A_MINUTE
from paperless_ivr.testing.addresses import (
    Entry,
    Person,
    by_multi_tap,
    by_one_press,
    by_two_keys,
    one_press,
    people,
)

DECODER = EmailDecoder()
HOLDERS: dict[str, Callable[[Person], str]] = {
    "caller's name": lambda person: person.holder,
    "spouse's name": lambda person: person.spouse,
    "no name": lambda person: "",
}


def guesses(everyone: list[Person], holder: Callable[[Person], str]) -> str:
    """Return how often the right address is among the first guesses, and the time per guess."""
    found, took = [], []
    for person in everyone:
        keys = one_press(person.address, DECODER)
        began = time.process_time()
        guesses = DECODER.decode(keys, holder=holder(person))
        took.append(1000 * (time.process_time() - began))
        found.append([guess.address for guess in guesses])
    pairs = list(zip(everyone, found, strict=True))
    first, three = (
        100 * sum(one.address in guesses[:n] for one, guesses in pairs) / len(pairs) for n in (1, 3)
    )
    cuts = statistics.quantiles(took, n=100)
    return (
        f"first {first:.1f} %, first three {three:.1f} %; "
        f"{statistics.mean(took):.1f} ms a guess, p99 {cuts[98]:.1f} ms, at most {max(took):.1f} ms"
    )


def effort(entries: list[Entry]) -> str:
    """Return the average keys, seconds, and stars, and how many callers needed the two-key code."""
    seconds = [entry.seconds(KEY_S, WORDS_A_MINUTE) for entry in entries]
    return (
        f"{statistics.mean(entry.keys for entry in entries):.1f} keys, "
        f"{statistics.mean(seconds):.1f} s, "
        f"{statistics.mean(entry.stars for entry in entries):.2f} stars, "
        f"{sum(entry.spelled for entry in entries)} finished in the two-key code"
    )


def main() -> None:
    """Print the results for each name and each method."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.process_time()
    lexicon()
    print(f"lists loaded in {time.process_time() - began:.3f} s; {count} callers, seed {seed}")
    everyone = list(people(count, seed))
    for name, holder in HOLDERS.items():
        print(f"{name}: {guesses(everyone, holder)}")
    listed = [one for one in everyone if one.address.partition("@")[2] in DECODER.domains]
    groups = {"with a one-key domain": listed, "with any domain": everyone}
    for group, callers in groups.items():
        print(f"{len(callers)} callers {group}:")
        for name, holder in HOLDERS.items():
            entries = [by_one_press(one, DECODER, holder(one)) for one in callers]
            print(f"    one press, {name}: {effort(entries)}")
        print(f"    multi-tap: {effort([by_multi_tap(one, DECODER) for one in callers])}")
        print(f"    two-key code: {effort([by_two_keys(one, DECODER) for one in callers])}")


if __name__ == "__main__":
    main()
