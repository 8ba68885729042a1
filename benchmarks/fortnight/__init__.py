"""A fortnight in shadow mode, compressed in time, and its report against a count made apart.

Real are: `pointsman serve` with its SQLite history and its tokens; two LiteLLM proxies with the plugin in their YAML
(`route: all`, `observe: true`), their pre-call hook, retries, streams and callbacks; the reports of the plugin;
`pointsman report`. Made up are: the provider behind the proxies, the requests (drawn by a seed), and the clock that the
service decides by, which is given to it as an argument and stands still while a time's requests are on their way.
"""

import argparse
import asyncio
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path

import httpx

from benchmarks.fortnight.astray import Told, as_kept, astray, kept_in, print_fates
from benchmarks.fortnight.comparing import differences, reported
from benchmarks.fortnight.ledger import entries
from benchmarks.fortnight.provider import Provider, providing
from benchmarks.fortnight.workload import DAYS, GROUPS, TEAMS, Sent, drawn
from benchmarks.fortnight.world import KEY, LITELLM, Service, proxying, serving, write_registry, write_tokens

AT_ONCE = 24
# Less than LiteLLM's server keeps a connection that rests, so that none is used while it is closed.
KEPT_S = 2.0
# How long the last reports may take to come in.
REPORTS_S = 60.0


def main(arguments: Sequence[str] = ()) -> None:
    """Live through a fortnight, report, and compare; exits with 1 where a figure differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fortnight", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="How many; at least one a day. [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="Of what is asked, used and failed. [%(default)s]")
    parser.add_argument(
        "--keep", type=Path, help="Keep the history, the registry and the proxies' logs in this folder."
    )
    given = parser.parse_args(arguments)
    if given.requests < DAYS:
        parser.error(f"--requests {given.requests}: a fortnight has {DAYS} days. Give {DAYS} or more.")
    if not LITELLM.exists():
        raise SystemExit("LiteLLM is not installed: make clients")
    with tempfile.TemporaryDirectory() as folder:
        try:
            wrong = lived(Path(folder), given.requests, given.seed)
        finally:
            if given.keep:
                shutil.copytree(folder, given.keep, dirs_exist_ok=True)
    if wrong:
        raise SystemExit(1)


def lived(folder: Path, count: int, seed: int) -> list[str]:
    """Live through a fortnight of so many requests; what differs between its report and the count made apart."""
    requests = drawn(count, seed)
    registry, tokens = write_registry(folder / "registry"), folder / "tokens.json"
    token_of = write_tokens(tokens)
    db = folder / "history.db"
    started = time.perf_counter()
    with ExitStack() as stack:
        provider = stack.enter_context(providing({one.tag: one.fate for one in requests}, seed))
        service = stack.enter_context(serving(folder, registry, tokens))
        proxies = {
            team.name: stack.enter_context(proxying(team, folder, provider.url, service.url, token_of[team.name]))
            for team in TEAMS
        }
        up = time.perf_counter()
        told, judged = asyncio.run(_ask_all(requests, proxies, service, token_of))
        asked = time.perf_counter()
        _wait_for_reports(db, requests, provider)
        _print_requests(requests, told, provider)
        print(f"\nUp in {up - started:.0f} s; {count:,} requests in {asked - up:.0f} s.")
    made = entries(requests, provider.served, judged, registry)
    print(f"Counted apart and ended after {time.perf_counter() - started:.0f} s.\n")
    print(reported("config", "table", db, registry))
    compared, differ = differences(made, db, registry)
    print(f"{compared:,} figures of the report compared with the count made apart: {len(differ)} differ.")
    lost, nobodys = astray(requests, told, provider.served, kept_in(db))
    print_fates(requests, lost, nobodys)
    if lost and differ:
        rest = differences(as_kept(made, lost), db, registry)[1]
        print(f"\nWithout what went astray {len(rest)} differ.")
    group_of = {one.tag: f"{one.team.name}, {one.group}, {one.fate}" for one in requests}
    wrong = [
        *_unexpected(requests, told),
        *(f"{tag} ({group_of[tag]}): {one}" for tag, one in lost.items()),
        *(f"{one} is a decision of no request" for one in nobodys),
        *differ,
    ]
    for one in wrong[:50]:
        print(f"- {one}", file=sys.stderr)
    return wrong


async def _ask_all(
    requests: Sequence[Sent], proxies: Mapping[str, str], service: Service, token_of: Mapping[str, str]
) -> tuple[dict[str, Told], dict[str, bool]]:
    """Send every request at its time; what was told of each by tag, and the verdicts that were given."""
    told: dict[str, Told] = {}
    judged: dict[str, bool] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(keepalive_expiry=KEPT_S)) as http:

        async def ask(sent: Sent) -> None:
            path = "embeddings" if sent.group == "vectors" else "chat/completions"
            headers = {"authorization": f"Bearer {KEY}", "x-litellm-session-id": sent.session}
            async with gate:
                try:
                    answer = await http.post(f"{proxies[sent.team.name]}/v1/{path}", json=sent.body, headers=headers)
                except httpx.TransportError as error:
                    print(f"{sent.tag}: {type(error).__name__}", file=sys.stderr)
                    return
                decision = answer.headers.get("x-pointsman-decision-id")
                told[sent.tag] = Told(answer.status_code, decision, answer.headers.get("x-pointsman-problem"))
                if answer.status_code == 200 and decision and sent.verdict is not None:
                    said = {"id": decision, "model_id": GROUPS[sent.group].candidate, "completed": sent.verdict}
                    report = {"outcomes": [{**said, "source": "user"}]}
                    token = {"authorization": f"Bearer {token_of[sent.team.name]}"}
                    (await http.post(f"{service.url}/api/outcomes", json=report, headers=token)).raise_for_status()
                    judged[sent.tag] = sent.verdict

        for at, together in groupby(requests, lambda one: one.at):
            service.set_clock(at)
            await asyncio.gather(*map(ask, together))
    return told, judged


def _wait_for_reports(db: Path, requests: Sequence[Sent], provider: Provider) -> None:
    """Wait until as many usages are kept as were served; the plugin reports behind its answers."""
    expected = sum(one.routed and one.tag in provider.served for one in requests)
    until = time.monotonic() + REPORTS_S
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as history:
        while time.monotonic() < until:
            sql = "SELECT count(*) FROM outcomes WHERE outcome ->> 'output_tokens' IS NOT NULL"
            if history.execute(sql).fetchone()[0] >= expected:
                return
            time.sleep(0.5)


def _print_requests(requests: Sequence[Sent], told: Mapping[str, Told], provider: Provider) -> None:
    """What was asked, in numbers."""
    figures = {
        "requests": len(requests),
        "to be routed": sum(one.routed for one in requests),
        "never routed": sum(not one.routed for one in requests),
        "streamed": sum(one.stream for one in requests),
        "turns of conversations that went on": sum(len(one.messages) > 1 for one in requests),
        "answered after a failure": sum(one.fate == "fails once" for one in requests),
        "failed": sum(not _answered(one, told) for one in requests),
        "calls that the provider got": sum(provider.asked.values()),
        **{f"asked for {name}": many for name, many in sorted(Counter(one.group for one in requests).items())},
    }
    print("| what | how many |\n|---|--:|")
    for name, many in figures.items():
        print(f"| {name} | {many:,} |")


def _unexpected(requests: Sequence[Sent], told: Mapping[str, Told]) -> list[str]:
    """Requests that were answered where they were to fail, or failed where they were to be answered."""
    return [
        f"{one.tag} ({one.group}, {one.fate}) was answered {told[one.tag].status if one.tag in told else None}"
        for one in requests
        if _answered(one, told) == (one.fate == "fails")
    ]


def _answered(sent: Sent, told: Mapping[str, Told]) -> bool:
    return sent.tag in told and told[sent.tag].status == 200
