"""A real Asterisk for tests: with its own configuration, on free ports, on loopback only."""

import contextlib
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from attrs import define, field

from tests.asterisk.audio import noise

PATIENCE = 60.0
MODULES = """
app_dial app_playback app_read app_stack app_verbose bridge_simple chan_pjsip codec_gsm
codec_ulaw format_gsm format_pcm format_sln format_wav func_callerid func_channel func_logic
func_strings func_timeout pbx_config res_agi res_clioriginate res_convert res_pjproject
res_pjsip res_pjsip_caller_id res_pjsip_endpoint_identifier_ip res_pjsip_pubsub
res_pjsip_sdp_rtp res_pjsip_session res_rtp_asterisk res_sorcery_astdb res_sorcery_config
res_sorcery_memory res_speech res_timing_timerfd
"""

CONFIGURATION = {
    "asterisk.conf": """
[directories]
astetcdir => {etc}
astmoddir => {modules}
astvarlibdir => {run}/lib
astdbdir => {run}/lib
astkeydir => {run}/lib
astdatadir => {run}/data
astagidir => {run}/lib
astspooldir => {run}/spool
astrundir => {run}
astlogdir => {run}/log
[options]
verbose = 3
languageprefix = yes
""",
    "modules.conf": "[modules]\nautoload=no\n{loads}\n",
    "logger.conf": "[general]\n[logfiles]\nfull => notice,warning,error,verbose,dtmf\n",
    "rtp.conf": "[general]\nrtpstart={rtp}\nrtpend={rtp_end}\n",
    "pjproject.conf": "",
    "features.conf": "[general]\n",
    "pjsip.conf": """
[loopback]
type=transport
protocol=udp
bind=127.0.0.1:{sip}
[caller]
type=endpoint
context=calls
disallow=all
allow=ulaw
dtmf_mode=rfc4733
direct_media=no
[caller]
type=identify
endpoint=caller
match=127.0.0.1
[agents]
type=endpoint
context=calls
disallow=all
allow=ulaw
direct_media=no
aors=agents
[agents]
type=aor
contact=sip:agent@127.0.0.1:{sip}
""",
    "extensions.conf": """
[calls]
exten => start,1,Answer()
 same => n,Set(PAPERLESS_MOMENT=start)
 same => n,Goto(hand,1)
exten => before,1,Answer()
 same => n,Set(PAPERLESS_MOMENT=before_payment)
 same => n,Goto(hand,1)
exten => exits,1,Answer()
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Goto(paid,2)
exten => silent,1,Answer()
 same => n,Set(AGISIGHUP=no)
 same => n,Goto(paid,2)
exten => paid,1,Answer()
 same => n,Set(PAPERLESS_MOMENT=after_payment)
 same => n,Set(PAPERLESS_PAYMENT_GUID=p-1)
 same => n,Set(PAPERLESS_PAYMENT_APPROVED=yes)
 same => n,Goto(hand,1)
exten => unanswered,1,Set(PAPERLESS_MOMENT=before_payment)
 same => n,Goto(hand,1)
exten => hand,1,Set(PAPERLESS_LANGUAGE=en-US)
 same => n,AGI(agi://127.0.0.1:${{LINE}}/)
 same => n,Log(NOTICE,goes on ${{CALLERID(num)}} agistatus=${{AGISTATUS}} {told})
 same => n,Hangup()
exten => docs-en,1,Set(PAPERLESS_LANGUAGE=en-US)
 same => n,Goto(docs,1)
exten => docs-es,1,Set(PAPERLESS_LANGUAGE=es-US)
 same => n,Goto(docs,1)
exten => docs,1,Set(CHANNEL(hangup_handler_push)=told,s,1)
 same => n,Goto(payment-line,s,1)
exten => h,1,Log(NOTICE,ended ${{CALLERID(num)}} {told})
exten => agent,1,Answer()
 same => n,Log(NOTICE,agent ${{CALLERID(num)}} reached)
 same => n,Wait(1)
 same => n,Hangup()
[told]
exten => s,1,Log(NOTICE,ended ${{CALLERID(num)}} {told})
 same => n,Return()
[take-payment]
exten => s,1,Log(NOTICE,paying ${{CALLERID(num)}} account=${{ARG1}})
 same => n,Set(PAYMENT_GUID=${{ARG1}})
 same => n,Set(PAYMENT_APPROVED=yes)
 same => n,Return()
[people]
exten => busy,1,Busy(1)
exten => agent,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
""",
}
TOLD = " ".join(
    f"{name}=${{PAPERLESS_{name.upper()}}}"
    for name in (
        "disposition",
        "reason",
        "registration",
        "unused_keys",
        "greeted",
        "outcomes",
        "failed",
        "offer_again",
        "moment",
        "paid",
    )
)


@define
class RealAsterisk:
    """An Asterisk in its own folder that hands calls over to the FastAGI port of one test."""

    root: Path
    agi: int = 0
    sip: int = 0
    run: Path = field(init=False)
    _process: "subprocess.Popen[bytes] | None" = None
    _begun: int = 0
    """The length of its log when the test began."""

    def start(self) -> None:
        """Start it, and wait until it answers over SIP."""
        self.run = Path(tempfile.mkdtemp(prefix="paperless-", dir=self.root / "var" / "tmp"))
        inside = f"/{self.run.relative_to(self.root)}"
        self.sip, rtp = _free_udp(), _free_range()
        there = [self.root / "usr/lib", *self.root.glob("usr/lib/*-linux-gnu")]
        modules = next(m for lib in there if (m := lib / "asterisk" / "modules").is_dir())
        values = {
            "etc": f"{inside}/etc",
            "run": inside,
            "modules": f"/{modules.relative_to(self.root)}",
            "loads": "\n".join(f"load = {name}.so" for name in MODULES.split()),
            "rtp": rtp,
            "rtp_end": rtp + RANGE - 1,
            "sip": self.sip,
            "told": TOLD,
        }
        for folder in ("etc", "lib", "spool", "log"):
            (self.run / folder).mkdir()
        self._sounds()
        for name, text in CONFIGURATION.items():
            (self.run / "etc" / name).write_text(text.format(**values))
        with (self.run / "etc" / "extensions.conf").open("a") as dialplan:
            dialplan.write(documented().replace("127.0.0.1/", "127.0.0.1:${LINE}/"))
        self._process = subprocess.Popen(
            ["chroot", str(self.root), "asterisk", "-f", "-C", f"{inside}/etc/asterisk.conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._answers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it, and clean up."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        shutil.rmtree(self.run, ignore_errors=True)

    def begin(self, port: int) -> None:
        """Hand calls over to this port, and forget what is known about earlier calls."""
        self.agi = port
        self.cli(f"dialplan set global LINE {port}")
        self._begun = self._log_file.stat().st_size

    def end(self) -> None:
        """End all calls, and wait until they are gone."""
        self.cli("channel request hangup all")
        until = time.monotonic() + PATIENCE
        while not (channels := self.cli("core show channels count")).startswith(
            "0 active channels"
        ):
            assert time.monotonic() < until, channels
            time.sleep(0.05)

    def _sounds(self) -> None:
        """Copy Debian's sound files, and add the host's own sounds that the dialplan plays."""
        data, installed = self.run / "data", Path("/usr/share/asterisk")
        (data / "sounds").mkdir(parents=True)
        for below in (".", "sounds"):
            for one in (self.root / installed.relative_to("/") / below).iterdir():
                if one.name != "sounds":
                    (data / below / one.name).symlink_to(installed / below / one.name)
        for name in set(re.findall(r"our-[a-z-]+", documented())):
            noise(self.host_sound(name), 30)

    def host_sound(self, name: str) -> Path:
        """Return the file of one of the host's own sounds."""
        return self.run / "data" / "sounds" / f"{name}.wav"

    def cli(self, command: str) -> str:
        """Return the output of a command on Asterisk's own command line."""
        there = f"/{self.run.relative_to(self.root)}/etc/asterisk.conf"
        done = subprocess.run(
            ["chroot", str(self.root), "asterisk", "-C", there, "-rx", command],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def put(self, folder: Path) -> str:
        """Copy a folder into Asterisk's folder, but only once, and return Asterisk's path to it."""
        to = self.run / folder.name
        if not to.exists():
            shutil.copytree(folder, to)
        return f"/{to.relative_to(self.root)}"

    @property
    def log(self) -> str:
        """The log since the test began."""
        written = self._log_file.read_bytes() if self._log_file.is_file() else b""
        return written[self._begun :].decode("utf-8", "replace")

    @property
    def _log_file(self) -> Path:
        return self.run / "log" / "full"

    def told(self, number: str, what: str = "goes on") -> dict[str, str]:
        """Return the dialplan's variables after a call from that number, or at another point."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            # Asterisk logs each application with its arguments ("Executing"), then what it says.
            said = (line for line in self.log.splitlines(True) if "Executing [" not in line)
            found = re.findall(rf"{what} {re.escape(number)} (.*)\n", "".join(said))
            if found:
                return dict(re.findall(r"(\w+)=(\S*)", found[-1]))
            time.sleep(0.05)
        raise AssertionError(f"nothing is told of {number}:\n{self.log[-3000:]}")

    def _answers(self) -> None:
        """Send OPTIONS until there is an answer."""
        request = (
            f"OPTIONS sip:x@127.0.0.1:{self.sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;"
            "branch=z9hG4bKx\r\nMax-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=x\r\n"
            "To: <sip:x@127.0.0.1>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.5)
            asking.bind(("127.0.0.1", 0))
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                assert self._process is not None
                assert self._process.poll() is None, f"Asterisk ended:\n{self.log[-3000:]}"
                with contextlib.suppress(OSError):
                    asking.sendto(request, ("127.0.0.1", self.sip))
                    asking.recv(4096)
                    return
                time.sleep(0.1)
        raise AssertionError(f"Asterisk does not answer:\n{self.log[-3000:]}")


def documented() -> str:
    """Return the dialplan in docs/asterisk.md."""
    (block,) = re.findall(r"```ini\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    return str(block)


DOCS = Path(__file__).parents[2] / "docs" / "asterisk.md"
RANGE = 200
"""The number of ports for the audio of calls: two for each call."""


def _free_udp() -> int:
    """Return a free port between those for audio and those that the system assigns (Linux)."""
    while True:
        port = random.randrange(30_000, 32_000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def _free_range() -> int:
    """Return the first of a range of free ports, below those that the system assigns."""
    for _ in range(100):
        start = random.randrange(12_000, 30_000, RANGE)
        with contextlib.ExitStack() as taken, contextlib.suppress(OSError):
            for port in range(start, start + RANGE, 10):
                one = taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                one.bind(("127.0.0.1", port))
            return start
    raise AssertionError("no ports are free")
