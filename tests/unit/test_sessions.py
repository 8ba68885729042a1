"""Conversations keep their model where moving costs more than it is worth, and never fail for the sake of it."""

import logging
from typing import Any

import numpy as np
import pytest
from pointsman.dialects.reading import read
from pointsman.dialects.request import Request, of_prompt
from pointsman.history.expiring import MemoryExpiring
from pointsman.registry import Registry, load_registry
from pointsman.router import Router
from pointsman.routing.caching import Kept, Turn, digest_of
from pointsman.routing.sessions import Session, Sessions, sessions_of
from pointsman.settings import load_settings

from tests.conftest import WriteRegistry, model_yaml
from tests.fakes import FakeEmbedder, fake_artifact

EASY, HARD = "What is 1+1?", "This is hard."
LONG = "word " * 3_000
CACHED = "cached_input_cost_per_1k: {:f}\ncache_write_cost_per_1k: {:f}\n"


@pytest.fixture
def registry(write_registry: WriteRegistry) -> Registry:
    """A dear and a cheap model; what the dear one reads again costs a tenth."""
    models = {
        "dear.yaml": model_yaml("acme/dear", 0.004, 90, more=CACHED.format(0.0004, 0.005)),
        "cheap.yaml": model_yaml("acme/cheap", 0.002, 70, more=CACHED.format(0.0002, 0.0025)),
        "marked.yaml": model_yaml("acme/marked", 0.002, 70, more=CACHED.format(0.0002, 0.0025)).replace(
            "provider: acme", "provider: anthropic"
        ),
    }
    configs = {
        f"{name}.yaml": f"name: {name}\ndescription: d\nmodels: [acme/dear, acme/cheap]\n{more}"
        for name, more in {
            "auto": "",
            "always": "sticky: always\n",
            "never": "sticky: never\n",
            "slow": "hysteresis_usd: 1\n",
        }.items()
    }
    return load_registry(write_registry(models, configs))


class Broken(MemoryExpiring):
    """A store that answers nothing, and counts how often it is asked."""

    asked = 0

    def get(self, key: str) -> bytes | None:
        assert key
        self.asked += 1
        raise OSError("no store")

    put = add = get  # type: ignore[assignment]


def router_of(registry: Registry, store: MemoryExpiring | None = None, **settings: Any) -> Router:
    found = load_settings(**settings)
    sessions = sessions_of(store or MemoryExpiring(), found)
    return Router(registry, fake_artifact(), FakeEmbedder(), None, found, None, sessions)


def talk(*texts: str, system: str = LONG) -> Request:
    """A conversation in which the user says these texts, one after the other."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}]
    for text in texts:
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]
    return read({"messages": messages[:-1]})


def test_a_conversation_stays_with_the_model_whose_cache_is_warm(registry: Registry) -> None:
    router = router_of(registry)
    first = router.decide(talk(HARD))
    assert (first.selected, first.session and first.session["turn"]) == (("acme/dear",), 1)
    second = router.decide(talk(HARD, EASY))
    alone = router.decide(talk(HARD, EASY), sticky="never")
    assert (second.selected, alone.selected) == (("acme/dear",), ("acme/cheap",))
    assert second.session is not None
    assert {**second.session, "cached_tokens": 0} == {
        "id": None,
        "turn": 2,
        "sticky": "economic",
        "held": "acme/dear",
        "stayed": True,
        "switched": False,
        "cached_tokens": 0,
    }
    assert second.session["cached_tokens"] > 2_900
    assert second.costs.cached > 0
    assert second.cost < alone.cost
    assert alone.session is None


def test_it_moves_where_what_holds_it_does_not_suffice(registry: Registry) -> None:
    router = router_of(registry)
    assert router.decide(talk(EASY)).selected == ("acme/cheap",)
    moved = router.decide(talk(EASY, HARD))
    assert moved.selected == ("acme/dear",)
    assert moved.session is not None
    assert moved.session["switched"]
    assert moved.costs.cached == 0


def test_it_moves_where_there_is_no_cache_to_lose(registry: Registry) -> None:
    router = router_of(registry)
    router.decide(talk(HARD, system="Be brief."))
    assert router.decide(talk(HARD, EASY, system="Be brief.")).selected == ("acme/cheap",)


def test_a_prefix_that_changed_is_not_in_any_cache(registry: Registry) -> None:
    router = router_of(registry)
    router.decide(talk(HARD), session_id="s")
    changed = router.decide(talk(HARD, EASY, system="Other " + LONG), session_id="s")
    assert changed.session is not None
    assert (changed.session["turn"], changed.session["cached_tokens"]) == (2, 0)
    assert changed.selected == ("acme/cheap",)


def test_moving_must_be_worth_the_hysteresis(registry: Registry) -> None:
    router = router_of(registry)
    short = [talk(HARD, system="Be brief."), talk(HARD, EASY, system="Be brief.")]
    assert [router.decide(one, "slow").selected for one in short] == [("acme/dear",), ("acme/dear",)]


def test_sticky_always_stays_and_never_follows(registry: Registry) -> None:
    router = router_of(registry)
    turns = [talk(EASY), talk(EASY, HARD), talk(EASY, HARD, EASY)]
    always = [router.decide(turn, "always") for turn in turns]
    assert [one.selected for one in always] == [("acme/cheap",)] * 3
    assert [one.reason for one in always] == ["threshold", "session", "session"]
    assert "always stays" in always[1].explanation
    never = [router.decide(turn, "never").selected for turn in turns]
    assert never == [("acme/cheap",), ("acme/dear",), ("acme/cheap",)]
    assert router.decide(turns[1], "never", sticky="always").selected == ("acme/dear",)


def test_what_holds_a_conversation_and_can_no_longer_serve_is_left(registry: Registry) -> None:
    router = router_of(registry)
    router.decide(talk(EASY), "always")
    left = router.decide(talk(EASY, EASY), "always", exclude=["acme/cheap"])
    assert left.selected == ("acme/dear",)


def test_a_caller_never_meets_anothers_conversation(registry: Registry) -> None:
    router = router_of(registry)
    router.decide(talk(HARD), caller="ann", session_id="s")
    for caller, config in (("bob", "auto"), (None, "auto"), ("ann", "slow")):
        met = router.decide(talk(HARD, EASY), config, caller=caller, session_id="s").session
        assert met is not None
        assert (met["turn"], met["held"]) == (1, None)
    assert router.decide(talk(HARD, EASY), caller="ann", session_id="s").selected == ("acme/dear",)


def test_a_bare_prompt_is_a_conversation_only_where_it_says_which(registry: Registry) -> None:
    router = router_of(registry)
    assert router.decide(EASY).session is None
    assert [router.decide(EASY, session_id="s").session["turn"] for _ in "ab"] == [1, 2]  # type: ignore[index]


def test_a_store_that_fails_costs_the_memory_and_not_the_answer(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    store = Broken()
    router = router_of(registry, store)
    with caplog.at_level(logging.WARNING, "pointsman.sessions"):
        for _ in range(5):
            assert router.decide(talk(EASY)).selected == ("acme/cheap",)
    assert store.asked == 1
    assert len(caplog.records) == 1


def test_a_session_that_cannot_be_read_is_none() -> None:
    store = MemoryExpiring()
    sessions = Sessions(store, b"k", 60)
    for junk in (b"", b"{}", b"[1]", b'[2,"a",1,1,1,{}]', b"[1,5,1,1,1,{}]", b'[1,"a",1,1,1,{"m":[1]}]', b"\xff"):
        store.put("k", junk, 60)
        assert sessions.recall("k") is None
    kept = Session("a@low", 3, 100, 5.0, {"a": Kept("low", 100, 400, "d", 5.0, 300)})
    sessions.remember("k", kept)
    assert sessions.recall("k") == kept


def test_sessions_can_be_switched_off(registry: Registry) -> None:
    router = router_of(registry, session_ttl_s=0)
    router.decide(talk(HARD), session_id="s")
    assert router.decide(talk(HARD, EASY), session_id="s").session is None


def test_a_key_tells_nothing_and_depends_on_the_secret() -> None:
    one, other = (Sessions(MemoryExpiring(), secret, 60) for secret in (b"one", b"other"))
    key = one.hashed("session", "ann", "s-1")
    assert key != other.hashed("session", "ann", "s-1")
    assert "ann" not in key
    assert one.hashed("session", "a", "b") != one.hashed("session", "ab", "")


def test_marks_decide_what_an_anthropic_cache_keeps(registry: Registry) -> None:
    marked = registry.candidate("acme/marked")
    cheap = registry.candidate("acme/cheap")
    text = "x" * 10_000
    unmarked, whole = Turn(text, 10_000, 0.0), Turn(text, 10_000, 0.0, marked_chars=8_000, mark_s=3_600)
    assert unmarked.keeps(marked) is None
    assert whole.keeps(marked) == Kept(None, 8_000, 8_000, digest_of(text[:8_000]), 0.0, 3_600)
    assert Turn(text, 10_000, 0.0, marked_chars=2_000).keeps(marked) is None
    assert unmarked.keeps(cheap) == Kept(None, 10_000, 10_000, digest_of(text), 0.0, 300)
    assert np.array_equal(whole.put([marked, cheap]), [8_000, 10_000])


@pytest.mark.parametrize(("later", "served"), [(299, 10_000), (301, 0), (-1, 0)])
def test_a_cache_serves_as_long_as_its_provider_keeps_it(registry: Registry, later: float, served: int) -> None:
    cheap, text = registry.candidate("acme/cheap"), "x" * 10_000
    kept = Turn(text, 10_000, 1_000.0).keeps(cheap)
    assert kept is not None
    turn = Turn(text + "more", 10_001, 1_000.0 + later, kept={"acme/cheap": kept}, held="acme/cheap", turns=1)
    assert turn.served([cheap, registry.candidate("acme/dear")]).tolist() == [served, 0]


def test_four_models_are_remembered_and_the_one_not_used_for_longest_is_forgotten(registry: Registry) -> None:
    sessions = Sessions(MemoryExpiring(), b"k", 60)
    kept = {f"m{i}": Kept(None, 2_000, 1, "d", 1.0, 300) for i in range(4)}
    body = of_prompt("x" * 10_000)
    conversation = sessions.conversation(body, "auto", "economic", caller=None, given="s")
    assert conversation is not None
    sessions.remember(conversation.key, Session("m3", 4, 2_000, 1.0, kept))
    conversation = sessions.conversation(body, "auto", "economic", caller=None, given="s")
    assert conversation is not None
    conversation.remember(conversation.turn(body, 5_000, 2.0), registry.candidate("acme/cheap"))
    found = sessions.recall(conversation.key)
    assert found is not None
    assert list(found.kept) == ["m1", "m2", "m3", "acme/cheap"]
    assert (found.held, found.turns) == ("acme/cheap", 5)
