"""Which kind of work a task of the training data is, and which published benchmarks are of which kind.

Judged by hand from what the tasks ask for. Patterns are those of `fnmatch`; the first that fits counts. A task that
none fits teaches nothing of kinds of work.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

# Steps with tools, such as an issue of a repository.
AGENT = "agentic_coding"
# Source, task, kind of work.
TASKS: Sequence[tuple[str, str, str]] = (
    ("swebench_*", "*", AGENT),
    ("swt_bench", "*", AGENT),
    ("commit0", "*", AGENT),
    ("terminal_bench", "*", AGENT),
    ("tau2", "*", AGENT),
    ("humaneval_plus", "*", "coding"),
    ("svelte_bench", "*", "coding"),
    ("*", "human_eval", "coding"),
    ("*", "mbpp", "coding"),
    ("*", "crux", "coding"),
    ("*", "chat/coding*", "coding"),
    ("*", "gsm*", "math"),
    ("*", "math*", "math"),
    ("*", "agentverse-mgsm", "math"),
    ("*", "chat/math*", "math"),
    ("*", "mmlu-*mathematics", "math"),
    ("*", "mmlu-abstract_algebra", "math"),
    ("planbench", "*", "hard_reasoning"),
    ("misguided_attention", "*", "hard_reasoning"),
    ("*", "agentverse-logicgrid", "hard_reasoning"),
    ("*", "zebra-grid", "hard_reasoning"),
    ("*", "chat/reasoning*", "hard_reasoning"),
    ("*", "natural_qa", "short_fact"),
    ("*", "trivia_qa", "short_fact"),
    ("ifeval", "*", "instruction"),
    ("sql_scale", "*", "data"),
    ("*", "chat/extraction*", "data"),
    ("*", "chat/stem*", "knowledge_qa"),
    ("*", "chat/humanities*", "knowledge_qa"),
    ("mmlu_pro", "*", "knowledge_qa"),
    ("*", "mmlu*", "knowledge_qa"),
    ("*", "arc_challenge", "knowledge_qa"),
    ("*", "commonsense_qa", "knowledge_qa"),
    ("*", "openbook_qa", "knowledge_qa"),
    ("arena_bench", "*", "chat"),
    ("mt_bench", "*", "chat"),
    ("xstest_safe", "*", "chat"),
    ("shaberi_*", "*", "chat"),
)

# The kinds that anchors are written in (annotated prompts), by kind of work.
ANCHORS = {
    "chat": "smalltalk howto email creative roleplay ambiguous safe_lookalike planning explain",
    "short_fact": "trivia",
    "coding": "code debug algo_design",
    "math": "proof competition_math arithmetic",
    "knowledge_qa": "physics medicine law finance",
    "hard_reasoning": "logic trick",
    "data": "sql data_analysis extract classify",
    "instruction": "constraints",
    "language": "translate rewrite summarise",
    AGENT: "repo_agent devops_agent tool_calling",
}

# Benchmarks of agents at work: what such work typically comes to, where no training prompt resembles it.
AGENT_BENCHMARKS = (
    "terminal_bench*",
    "tau2_*",
    "tau3_*",
    "swe_*",
    "openhands_*",
    "toolathlon*",
    "mcp_*",
    "apex_agents*",
    "automation_bench",
    "osworld*",
    "browsecomp",
    "cyber_gym",
    "agents_last_exam",
    "frontier_bench",
    "nl2_repo",
    "vibe_code_bench",
    "claw_eval",
    "deep_swe",
)


def work_of_task(source: str, task: str) -> str | None:
    """The kind of work of a task; None where nobody judged it."""
    return next((kind for s, t, kind in TASKS if fnmatchcase(source, s) and fnmatchcase(task.lower(), t)), None)


def work_of_anchor(kind: str) -> str | None:
    """The kind of work of an anchor's kind."""
    return next((work for work, kinds in ANCHORS.items() if kind in kinds.split()), None)


def is_agent_benchmark(name: str) -> bool:
    """Whether a published benchmark is of agents at work."""
    return any(fnmatchcase(name, pattern) for pattern in AGENT_BENCHMARKS)
