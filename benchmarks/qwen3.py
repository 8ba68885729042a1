"""`make bench-qwen3`: the exported Qwen3 embedder in every quantization beside PyTorch in float32.

The checkpoint has the true 0.6B shape and random weights with outlier channels (`qwen3_weights`), unless
`--checkpoint` names a real one. Each setting runs in a process of its own; times are taken in turns, the fastest of
them counts, and all see the same noise: read the ratios.
"""

import argparse
import json
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from benchmarks.qwen3_weights import END_TOKEN, make_checkpoint, qwen3_tokenizer
from benchmarks.texts import CODE, SENTENCES

BUILD = Path("build/qwen3")
TOKENS = (16, 64, 256, 512)
TORCH = "PyTorch float32"
RAISED = "fast-raised"
SETTINGS: dict[str, list[str]] = {
    "none": ["--quantize", "none"],
    "int8": ["--quantize", "int8"],
    "int8-wide": ["--quantize", "int8-wide"],
    "fast": ["--quantize", "fast"],
    RAISED: ["--quantize", "fast", "--min-cosine", "0.99"],
    "int4": ["--quantize", "int4"],
}


def prompts() -> list[str]:
    """Prompts to measure cosines on: ten languages, code, questions about code, and longer mixed ones."""
    languages = list(SENTENCES.values())
    texts = [sentence for sentences in languages for sentence in sentences[1::2]]
    texts += CODE[:5] + [f"Explain this:\n\n```\n{code}\n```\n" for code in CODE[5:]]
    return texts + ["\n".join(sentences) for sentences in languages]


def calibration_prompts() -> list[str]:
    """Other prompts than the measured ones, to calibrate on."""
    return [sentence for sentences in SENTENCES.values() for sentence in sentences[::2]] + CODE[5:]


def rows(folder: Path, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts, the end token included."""
    reader = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return [list(reader.encode(text).ids) for text in texts]


def worker(name: str, folder: Path, threads: int) -> None:
    """Load one setting, say how long it took, then answer each line of stdin: a list of token ids, or "peak"."""
    # One thread's own seconds do not count what else the machine is doing.
    clock = time.process_time if threads == 1 else time.perf_counter
    start = time.perf_counter()
    run = torch_runner(folder, threads) if name == TORCH else onnx_runner(folder, threads)
    print(time.perf_counter() - start, flush=True)
    for line in sys.stdin:
        if line.strip() == "peak":
            print(memory(), flush=True)
            continue
        ids = json.loads(line)
        start = clock()
        vector = run(ids)
        print(json.dumps([clock() - start, vector.tolist()]), flush=True)


def memory() -> str:
    """Peak and present resident memory of this process in MB (Linux), pages mapped from a file included."""
    fields = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text()))
    return " / ".join(str(int(fields[field]) * 1024 // 1_000_000) for field in ("VmHWM", "VmRSS"))


def onnx_runner(folder: Path, threads: int) -> Callable[[list[int]], Any]:
    """One text by an exported embedder."""
    from pointsman.embedders import OnnxEmbedder

    embedder = OnnxEmbedder.load(folder, threads=threads)
    return lambda ids: embedder.embed_tokens([ids])[0]


def torch_runner(folder: Path, threads: int) -> Callable[[list[int]], Any]:
    """One text by `transformers`."""
    import torch
    from transformers import Qwen3Model

    torch.set_num_threads(threads)
    model: Any = Qwen3Model.from_pretrained(folder, dtype=torch.float32)
    model.eval()

    def run(ids: list[int]) -> Any:
        with torch.inference_mode():
            states = model(input_ids=torch.tensor([ids]), use_cache=False).last_hidden_state
            return torch.nn.functional.normalize(states[0, -1], dim=-1).numpy()

    return run


class Setting:
    """A worker process, asked over its standard input."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        code = [sys.executable, "-m", "benchmarks.qwen3", "--worker", name, "--folder", str(folder)]
        self.process = subprocess.Popen(
            [*code, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.load_seconds = float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended: {self.process.args!r}")
        return line

    def ask(self, line: str) -> str:
        """One answer to one line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._answer()

    def embed(self, ids: list[int]) -> tuple[float, list[float]]:
        """Seconds and the vector."""
        seconds, vector = json.loads(self.ask(json.dumps(ids)))
        return seconds, vector

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def prepare(checkpoint: Path | None, names: Sequence[str]) -> Path:
    """The checkpoint, and every setting exported under `build/qwen3`; what is there already is kept."""
    folder = checkpoint or BUILD / "random-0.6b"
    if not (folder / "config.json").exists():
        make_checkpoint(folder)
        qwen3_tokenizer(folder / "tokenizer.json")
    calibration = BUILD / "calibration.jsonl"
    calibration.write_text("".join(json.dumps(prompt) + "\n" for prompt in calibration_prompts()))
    for name in names:
        out = BUILD / folder.name / name
        if name == TORCH or (out / "embedder.json").exists():
            continue
        options = [*SETTINGS[name], *(["--prompts", str(calibration)] if "--min-cosine" in SETTINGS[name] else [])]
        command = [sys.executable, "-m", "artifacts_build", "export", "--embedder", str(folder), "--out", str(out)]
        subprocess.run([*command, *options], check=True)
    return folder


def measure(folder: Path, names: Sequence[str], threads: int, turns: int, texts: Sequence[list[int]]) -> None:
    """Print the table of one number of threads; `texts` are compared by cosine."""
    settings = {n: Setting(n, folder if n == TORCH else BUILD / folder.name / n, threads) for n in names}
    vectors = {name: np.array([e[1] for e in found]) for name, found in ask_all(settings, texts, 3).items()}
    random = np.random.default_rng(0)
    took: dict[str, dict[int, float]] = {name: {} for name in settings}
    for tokens in TOKENS:
        ids = [*random.integers(0, END_TOKEN, tokens - 1).tolist(), END_TOKEN]
        for _ in range(turns):
            for name, found in ask_all(settings, [ids], 1).items():
                took[name][tokens] = min(found[0][0], took[name].get(tokens, found[0][0]))
    heads = " | ".join(f"s at {tokens}" for tokens in TOKENS)
    of = "seconds of the process" if threads == 1 else "seconds on the clock"
    print(f"\nthreads: {threads}; {of}, and how many times as fast as PyTorch in brackets\n")
    print(f"| | file MB | load s | peak / resident MB | cosine worst / mean | {heads} |")
    print("|---|--:|--:|--:|--:|" + "--:|" * len(TOKENS))
    for name, setting in settings.items():
        cosine = (vectors[name] * vectors[TORCH]).sum(axis=1)
        peak = setting.ask("peak").strip()
        cells = [f"{s:.3f} ({took[TORCH][tokens] / s:.2f})" for tokens, s in took[name].items()]
        accuracy = "" if name == TORCH else f"{cosine.min():.4f} / {cosine.mean():.4f}"
        if name == "none":
            accuracy = f"1 - {1 - cosine.min():.0e}, differs by {np.abs(vectors[name] - vectors[TORCH]).max():.1e}"
        size = size_mb(folder, "*.safetensors") if name == TORCH else size_mb(BUILD / folder.name / name, "model.*")
        print(f"| {name} | {size} | {setting.load_seconds:.1f} | {peak} | {accuracy} | {' | '.join(cells)} |")
        setting.close()


def ask_all(
    settings: dict[str, Setting], texts: Sequence[list[int]], together: int
) -> dict[str, list[tuple[float, list[float]]]]:
    """Seconds and vectors of every text by every setting, so many settings at once."""
    with ThreadPoolExecutor(together) as pool:
        asked = {n: pool.submit(lambda s: [s.embed(ids) for ids in texts], s) for n, s in settings.items()}
        return {name: future.result() for name, future in asked.items()}


def size_mb(folder: Path, pattern: str) -> int:
    """Megabytes of the files that match."""
    return round(sum(path.stat().st_size for path in folder.glob(pattern)) / 1e6)


def main() -> None:
    """Prepare what is missing, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, help="A real checkpoint's folder.")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--settings", nargs="*", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--prompts", type=int, default=len(prompts()), help="How many to compare by cosine.")
    parser.add_argument("--prepare", action="store_true", help="Export only; measure another time.")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        worker(given.worker, given.folder, given.threads[0])
        return
    names = [TORCH, *given.settings]
    folder = prepare(given.checkpoint, names)
    if given.prepare:
        return
    print(f"{folder}, {platform.machine()}, onnxruntime {onnxruntime.__version__}, {given.prompts} prompts")
    for threads in given.threads:
        measure(folder, names, threads, given.turns, rows(folder, prompts())[:: -(-len(prompts()) // given.prompts)])


if __name__ == "__main__":
    main()
