"""Checks, over a call's own channel, that Asterisk has every sound that calls need.

    missing(channel, sounds)      returns the missing sounds without playing anything

STREAM FILE opens a file to play it. If the offset is beyond the end of the file, it plays nothing.
Its reply is still 0 if the file exists, and -1 if it does not (res_agi.c, handle_streamfile; the
modules in formats/ limit the offset). Asterisk first looks for a sound in the language's folder. It
then removes the last "_…" from the folder's name and tries again, as often as possible. Finally, it
tries the English sounds (main/file.c, fileexists_core). We name the folder ourselves, because an
English digit in a Spanish call must count as missing.
"""

from collections.abc import Iterator

from paperless_ivr.gateways.agi.channel import Channel
from paperless_ivr.gateways.agi.lines import quoted
from paperless_ivr.gateways.agi.sounds import Sounds

BEYOND = 10**9
"""An offset, in samples, beyond the end of every sound."""
NAMED = 20
"""The maximum number of sounds to name in each language. The rest are only counted."""


async def missing(channel: Channel, sounds: Sounds) -> dict[str, list[str]]:
    """Return the sounds that Asterisk lacks, by language, or {} if the caller is gone."""
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
    if found:  # after a hang-up, the result of every command is -1
        await channel.ask("CHANNEL STATUS")
    return {} if channel.gone.is_set() else found


def described(found: dict[str, list[str]], most: int = NAMED) -> str:
    """Describe what is missing, in one line."""
    return "; ".join(
        f"{language}: Asterisk has no {', '.join(files[:most])}"
        + (f" and {len(files) - most} more" if len(files) > most else "")
        for language, files in found.items()
    )


def _places(name: str, sound: str) -> Iterator[str]:
    """Yield the places where Asterisk looks for a core sound of a language.

    Omits the place of the English sounds, unless the language is English.
    """
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
