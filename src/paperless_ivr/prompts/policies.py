"""Reads policies from files, and reports every problem with a policy and its words (R19)."""

from collections.abc import Iterator
from pathlib import Path

from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.policy_checks import OFFERED, WORDS, Finding, findings
from paperless_ivr.flow.policy_file import cannot_be_used, parse_policy
from paperless_ivr.prompts import catalog


def load_policy(path: str | Path) -> Policy:
    """Return the policy in a TOML file, after checking it and its words.

    Raises `PolicyProblems`, which lists everything that is wrong.
    """
    title = cannot_be_used(str(path))
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PolicyProblems(title, [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise PolicyProblems(title, ["not UTF-8 text; save it as UTF-8"]) from error
    return parse_policy(text, str(path), all_findings)


def all_findings(policy: Policy) -> Iterator[Finding]:
    """Yield every problem with a policy and with its words."""
    found = list(findings(policy))
    yield from found
    unsure = any(finding.at[:2] == OFFERED for finding in found)
    for problem in catalog.problems(policy.languages.offered, policy.words):
        if problem.name:
            yield Finding((*WORDS, problem.language, problem.name), problem.says)
        elif not unsure:  # otherwise, the list of languages has a problem that was already reported
            yield Finding((*WORDS, problem.language), problem.says, (OFFERED,))
