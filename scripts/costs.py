"""`make docs`: what a million decisions cost, in docs/deploy.md, from list prices and from what was measured.

The prices are AWS's in us-east-1, USD, as published when this was written (before any free tier). Whoever has others
changes them here and runs `make docs`; a test fails where the table and this file disagree.
"""

from dataclasses import dataclass
from pathlib import Path

from artifacts_build.markdown import table

TARGET = Path(__file__).resolve().parent.parent / "docs/deploy.md"
BEGIN, END = "<!-- costs: written by make docs -->\n", "<!-- end of costs -->\n"

MILLION = 1_000_000
MONTH_S = 365 / 12 * 86_400
GATEWAY = 1.00  # HTTP API, a million requests
LAMBDA_REQUEST = 0.20  # a million
LAMBDA_GB_S = 0.0000166667  # x86
SNAPSHOT_GB_S = 0.0000015046
RESTORE_GB = 0.0001397998
WRITE_UNIT = 0.625  # DynamoDB on demand, a million
TABLE_GB_MONTH = 0.25
BACKUP_GB_MONTH = 0.20  # point-in-time recovery
LOG_GB = 0.50
TRACE = 5.00  # a million
SECRET_MONTH, ALARM_MONTH, METRIC_MONTH = 0.40, 0.10, 0.30

# docs/history.md: a body of 3 write units, and six summaries.
WRITE_UNITS = 9
STORED_GB = 6.4  # a million decisions: 2.3 KB of body, six summaries, DynamoDB's 100 bytes an item
LOG_BYTES = 2_000  # the decision's line, its metrics, Lambda's own lines and the access log's
TRACED = 0.05  # X-Ray's default: one a second and 5 % of the rest
# A token is checked anew every 30 s; this is for one token that asks every 3 s.
AUTHORIZED = 0.1
AUTHORIZE_GB_S = 0.5 * 0.01
COLD = 0.01  # of the calls start a copy from its snapshot
ALARMS, METRICS = 12, 6
SNAPSHOTS_GB = 1.769 + 1.0 + 0.5


@dataclass(frozen=True)
class Embedder:
    """Who embeds, how long a decision then takes, and with how much memory."""

    name: str
    seconds: float
    gigabytes: float


EMBEDDERS = (
    # 12 ms measured on 2 cores, and two requests to the table that were not measured on AWS.
    Embedder("default, 64 tokens", 0.025, 1.769),
    Embedder("default, 256 tokens", 0.040, 1.769),
    # One thread: DESIGN's measurements of the shape with random weights.
    Embedder("Qwen3-Embedding-0.6B, 8-bit, 64 tokens", 1.02, 3.008),
    Embedder("Qwen3-Embedding-0.6B, 8-bit, 256 tokens", 4.15, 3.008),
    Embedder("Qwen3-Embedding-0.6B, SmoothQuant, 64 tokens", 0.48, 3.008),
    Embedder("Qwen3-Embedding-0.6B, SmoothQuant, 256 tokens", 1.96, 3.008),
)


def compute(embedder: Embedder) -> float:
    """USD of Lambda for a million decisions, the authorizer and the restores included."""
    deciding = LAMBDA_REQUEST + MILLION * embedder.seconds * embedder.gigabytes * LAMBDA_GB_S
    authorizing = AUTHORIZED * (LAMBDA_REQUEST + MILLION * AUTHORIZE_GB_S * LAMBDA_GB_S)
    restoring = COLD * MILLION * embedder.gigabytes * RESTORE_GB
    return deciding + authorizing + restoring


def others() -> dict[str, float]:
    """USD of everything else for a million decisions; no embedder changes it."""
    return {
        "gateway": GATEWAY,
        "table": WRITE_UNITS * WRITE_UNIT,
        "logs": LOG_BYTES * MILLION / 1e9 * LOG_GB,
        "traces": TRACED * TRACE,
    }


def monthly() -> dict[str, float]:
    """USD a month without a single decision."""
    return {
        "secret": SECRET_MONTH,
        "alarms": ALARMS * ALARM_MONTH,
        "metrics": METRICS * METRIC_MONTH,
        "snapshots": SNAPSHOTS_GB * MONTH_S * SNAPSHOT_GB_S,
    }


def document() -> str:
    """The part of docs/deploy.md between its two marks."""
    rest = others()
    rows = []
    for embedder in EMBEDDERS:
        lambda_usd = compute(embedder)
        cells = [lambda_usd, *rest.values(), lambda_usd + sum(rest.values())]
        name = f"{embedder.name} ({embedder.seconds * 1000:,.0f} ms, {embedder.gigabytes * 1000:,.0f} MB)"
        rows.append([name, *(f"{cell:,.2f}" for cell in cells)])
    fixed = monthly()
    parts = ", ".join(f"{name} {usd:.2f}" for name, usd in fixed.items())
    kept = STORED_GB * (TABLE_GB_MONTH + BACKUP_GB_MONTH)
    return (
        f"{table(['a million decisions, USD', 'Lambda', *rest, 'together'], rows)}\n\n"
        f"A month without a decision: {sum(fixed.values()):.2f} USD ({parts}). A million decisions that are kept: "
        f"{kept:.2f} USD a month, with backup.\n"
    )


def main() -> None:
    """Write the table into docs/deploy.md."""
    text = TARGET.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    TARGET.write_text(before + BEGIN + document() + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
