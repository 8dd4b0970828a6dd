"""Whether Asterisk has every sound that calls need, asked over a call's own channel.

    missing(channel, sounds)      what is missing; nothing is played

STREAM FILE looks a file up as it does to play it, and an offset beyond the end plays nothing:
the reply is 0 where the file is there, -1 where it is not (res_agi.c, handle_streamfile;
formats/ clamp the offset). Asterisk looks for a sound in the folder of the language, then in
those that the name has without its last "_…", and then takes the English one (main/file.c,
fileexists_core). An English digit in a Spanish call is not there, so the folder is named.
"""

from collections.abc import Iterator

from paperless_ivr.gateways.agi.channel import Channel
from paperless_ivr.gateways.agi.lines import quoted
from paperless_ivr.gateways.agi.sounds import Sounds

BEYOND = 10**9
"""An offset, in samples, beyond the end of every sound."""
NAMED = 20
"""Sounds that a line names; how many more there are is said."""


async def missing(channel: Channel, sounds: Sounds) -> dict[str, list[str]]:
    """The sounds that Asterisk does not have, by language; empty where the caller is gone."""
    found: dict[str, list[str]] = {}
    for language in sounds.catalog.books:
        name = sounds.called(language)
        await channel.ask(f"SET VARIABLE CHANNEL(language) {quoted(name)}")
        wanted = [[file] for file in sounds.recorded(language)]
        wanted += [list(_places(name, core)) for core in sounds.core(language)]
        lacking = [places[0] for places in wanted if not await _any_there(channel, places)]
        if lacking:
            found[language] = lacking
    spoken = channel.headers.get("agi_language", "")
    await channel.ask(f"SET VARIABLE CHANNEL(language) {quoted(spoken)}")
    if found:  # after a hang-up every command comes to -1
        await channel.ask("CHANNEL STATUS")
    return {} if channel.gone.is_set() else found


def described(found: dict[str, list[str]], most: int = NAMED) -> str:
    """What is missing, in a line."""
    return "; ".join(
        f"{language}: Asterisk has no {', '.join(files[:most])}"
        + (f" and {len(files) - most} more" if len(files) > most else "")
        for language, files in found.items()
    )


def _places(name: str, sound: str) -> Iterator[str]:
    """Where Asterisk looks for a core sound of a language."""
    folder = name
    while folder:
        yield f"{folder}/{sound}"
        folder = folder.rpartition("_")[0]
    if name.startswith("en"):
        yield sound


async def _any_there(channel: Channel, places: list[str]) -> bool:
    for place in places:
        reply = await channel.ask(f'STREAM FILE {quoted(place)} "" {BEYOND}')
        if reply.number == 0 or channel.gone.is_set():
            return True
    return False
