"""Other thresholds in the page: exactly what the server would decide, shown in the chart, the table and a sentence."""

import math
import random
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect
from pointsman.routing.explanation import explain
from pointsman.routing.policy import choose

from tests.browser.driving import decide, decision_shown, new_prompt

pytestmark = pytest.mark.browser

REPLAYED = """async (cases) => {
  const { replayer, explain } = await import("/decide/policy.js");
  return cases.map((one) => {
    const asked = { threshold: one.threshold, worth: one.worth_usd };
    const choice = replayer(one)(asked);
    return { ...choice, explanation: explain(choice, asked, one) };
  });
}"""


def random_case(seed: int) -> dict[str, Any]:
    """Candidates as a decision holds them, and a threshold; about half the cases are full of ties."""
    dice = random.Random(seed)
    tied = dice.random() < 0.5
    size = dice.choice([1, 2, 3, 5, 8, 20])

    def draw(few: list[float], low: float, high: float) -> float:
        return dice.choice(few) if tied else dice.uniform(low, high)

    candidates = [
        {
            "model_id": name,
            "mu": draw([0.2, 0.5, 0.7, 0.8, 0.9], 0.0, 1.0) if dice.random() < 0.9 else dice.choice([0.0, 1.0]),
            "sigma": draw([0.0, 0.1, 0.2], 0.0, 0.3),
            "cost": draw([0.0, 0.001, 0.002, 0.003], 0.0, 0.1),
            "latency_s": None if dice.random() < 0.4 else draw([0.5, 1.0], 0.1, 30.0),
        }
        for name in dice.sample([f"{maker}/{model}" for maker in ("a", "b-c", "z.9") for model in range(10)], size)
    ]
    thresholds = [dice.randint(0, 100) / 100, dice.random(), dice.choice(candidates)["mu"], 1.0]
    dearest = max(cost for one in candidates if isinstance(cost := one["cost"], float))
    worth: float | None = dice.choice([None, None, 0.001, 0.01, 0.25, dice.uniform(0.0001, 10)])
    if worth and dice.random() < 0.7:
        thresholds = [0.0]
    return {
        "candidates": candidates,
        "max_k": dice.randint(1, 3),
        "caution": dice.choice([0, 0, 0.5, 1, dice.uniform(0, 3)]),
        "fallback_quality_margin": dice.choice([0.0, 0.05, 0.1, 0.125, dice.random()]),
        "threshold": dice.choice(thresholds),
        "within": dice.choice([None, None, 0.0, 0.1, dice.random()]),
        "worth_usd": worth,
        "worth_of_a_second": dice.choice([0.0, 0.001, 0.1]) if worth else 0.0,
        "max_cost_usd": None if dice.random() < 0.7 else dearest * dice.choice([1, 1.5]),
    }


def decided(case: dict[str, Any]) -> dict[str, Any]:
    """What the server decides in a case."""
    candidates = case["candidates"]
    choice = choose(
        [one["model_id"] for one in candidates],
        np.array([one["mu"] for one in candidates]),
        np.array([one["cost"] for one in candidates]),
        np.array([one["latency_s"] or math.nan for one in candidates]),
        completion_threshold=case["threshold"],
        fallback_quality_margin=case["fallback_quality_margin"],
        max_k=case["max_k"],
        caution=case["caution"],
        sigma=np.array([one["sigma"] for one in candidates]),
        **{name: case[name] for name in ("within", "worth_usd", "worth_of_a_second", "max_cost_usd")},
    )
    selected = [candidates[i]["model_id"] for i in choice.members]
    margin, size = case["fallback_quality_margin"], len(candidates)
    return {
        "selected": selected,
        "expected_quality": choice.expected_quality,
        "asked_quality": choice.asked_quality,
        "cost": choice.cost,
        "latency": choice.latency,
        "reason": choice.reason,
        "explanation": explain(
            selected,
            choice,
            case["threshold"],
            margin,
            case["caution"],
            size,
            within=case["within"],
            worth_usd=case["worth_usd"],
        ),
    }


def test_the_page_decides_as_the_server_in_a_thousand_cases(page: Page) -> None:
    cases = [random_case(seed) for seed in range(1000)]
    expected = [decided(case) for case in cases]
    replayed = page.evaluate(REPLAYED, cases)
    # Equal to the last bit: no tolerance.
    assert [case for case, a, b in zip(cases, replayed, expected, strict=True) if a != b] == []
    # The cases are worth something: every size of set, both reasons, ties.
    assert {len(one["selected"]) for one in expected} == {1, 2, 3}
    reasons = ("threshold", "value", "fallback")
    assert min(sum(one["reason"] == reason for one in expected) for reason in reasons) > 100


@pytest.mark.parametrize("config", ["auto", "quality-pair", "cheap-pair", "single-opus"])
def test_real_decisions_are_replayed_at_their_own_threshold(page: Page, config: str) -> None:
    page.get_by_test_id("config").select_option(config)
    view = decide(page, new_prompt("Replay me"))
    expect(view.get_by_test_id("threshold")).to_be_visible()
    expect(view.get_by_test_id("no-replay")).to_have_count(0)


def three_of(route: Route) -> dict[str, Any]:
    """A cheap weak, a middle and a dear strong candidate; the cheap one is chosen at 70%."""
    decision = route.fetch().json()
    one = decision["candidates"][0] | {"sigma": 0.05, "latency_s": None}
    candidates = [
        one | {"model_id": "maker/weak", "mu": 0.75, "cost": 0.001},
        one | {"model_id": "maker/middle", "mu": 0.9, "cost": 0.01},
        one | {"model_id": "maker/strong", "mu": 0.95, "cost": 0.1},
    ]
    chosen = {"selected": ["maker/weak"], "cost": 0.001, "expected_quality": 0.75, "reason": "threshold"}
    bars = {"completion_threshold": 0.7, "fallback_quality_margin": 0.05, "max_k": 1, "within": None, "worth_usd": None}
    made: dict[str, Any] = decision | chosen | bars | {"candidates": candidates}
    return made | {"strongest": {"model_id": "maker/strong", "cost": 0.1}}


def three(route: Route) -> None:
    """That decision as the answer."""
    route.fulfill(json=three_of(route))


def test_the_slider_replays_the_decision_without_a_request(page: Page) -> None:
    page.route("**/api/route", three)
    view = decide(page, new_prompt("Slide"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    slider, told = view.get_by_test_id("threshold"), view.get_by_test_id("replayed")
    chosen = view.get_by_test_id("candidate").filter(has=page.get_by_text("Chosen", exact=True))
    expect(chosen).to_contain_text("maker/weak")
    for threshold, model, words in [
        (76, "maker/middle", "Would choose maker/middle"),
        (91, "maker/strong", "Would choose maker/strong"),
        (96, "maker/middle", "None clears it. Nearest: maker/middle"),
        (75, "maker/weak", "Still maker/weak"),
    ]:
        slider.fill(str(threshold))
        expect(told).to_contain_text(words)
        expect(chosen).to_have_count(1)
        expect(chosen).to_contain_text(model)
        expect(view.locator(".threshold-label")).to_have_text(f"threshold {threshold}%")
        expect(view.locator(".dot.chosen")).to_have_attribute("data-model", model)
    # What was decided stays what was decided.
    expect(view.get_by_test_id("chosen-model")).to_have_text("maker/weak")
    view.get_by_test_id("threshold-reset").click()
    expect(told).to_contain_text("What was decided")
    expect(slider).to_have_value("70")
    assert asked == []


def test_a_decision_by_worth_is_replayed_at_another_worth(page: Page) -> None:
    def valued(route: Route) -> None:
        bars = {"policy": "value", "completion_threshold": 0, "worth_usd": 0.01, "worth_of_a_second": 0}
        decision = three_of(route) | bars | {"reason": "value", "value": 0.0065}
        route.fulfill(json=decision)

    page.route("**/api/route", valued)
    view = decide(page, new_prompt("Worth"))
    slider, told = view.get_by_test_id("threshold"), view.get_by_test_id("replayed")
    expect(view.get_by_test_id("reason")).to_have_text("worth the most")
    expect(view.get_by_test_id("expected-completion")).to_contain_text("worth $0.01")
    expect(told).to_contain_text("another worth")
    expect(view.locator(".threshold-label")).not_to_be_visible()
    for position, worth, words in [(9, "$0.100", "maker/middle"), (18, "$100.00", "maker/strong")]:
        slider.fill(str(position))
        expect(view.locator(".threshold-value")).to_have_text(worth)
        expect(told).to_contain_text(f"Would choose {words}")
    view.get_by_test_id("threshold-reset").click()
    expect(told).to_contain_text("What was decided")


def test_the_effort_and_how_to_call_it_are_shown(page: Page) -> None:
    def at_effort(route: Route) -> None:
        decision = three_of(route)
        weak = decision["candidates"][0] | {"model_id": "maker/weak@low", "effort": "low"}
        call = {"model_id": "maker/weak", "effort": "low", "request": {"reasoning_effort": "low"}}
        further = {"expected_quality": 0.9, "cost": 0.01, "reason": "threshold"}
        fallback = {"model_id": "other/middle", "effort": "high", "request": {"thinking": True}, **further}
        route.fulfill(
            json=decision
            | {"candidates": [weak, *decision["candidates"][1:]], "selected": ["maker/weak@low"]}
            | {"calls": [call], "fallbacks": [fallback]}
        )

    page.route("**/api/route", at_effort)
    view = decide(page, new_prompt("Effort"))
    expect(view.get_by_test_id("chosen-model")).to_have_text("maker/weak@low")
    calls = view.get_by_test_id("calls")
    calls.locator("summary").click()
    expect(calls).to_contain_text('{"reasoning_effort":"low"}')
    expect(view.get_by_test_id("fallbacks")).to_contain_text("other/middle@high")


def test_the_slider_works_by_keyboard(page: Page) -> None:
    page.route("**/api/route", three)
    view = decide(page, new_prompt("Keys"))
    view.get_by_test_id("threshold").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    expect(view.get_by_test_id("replayed")).to_contain_text("maker/middle")
    expect(view.get_by_test_id("threshold")).to_have_attribute("aria-valuetext", "76%: maker/middle")


def test_the_chart_tells_of_each_candidate_by_pointer_and_by_keyboard(page: Page) -> None:
    page.route("**/api/route", three)
    view = decide(page, new_prompt("Points"))
    points, told = view.get_by_test_id("point"), view.get_by_test_id("point-detail")
    expect(points).to_have_count(3)
    points.nth(2).locator(".mark").hover()
    expect(told).to_contain_text("strong")
    expect(told).to_contain_text("95.0% ± 5.0%")
    expect(view.get_by_test_id("candidate").filter(has_text="maker/strong")).to_contain_class("pointed")
    page.mouse.move(0, 0)
    # One stop for Tab, and the arrows from there.
    assert [point.get_attribute("tabindex") for point in points.all()] == ["0", "-1", "-1"]
    points.first.focus()
    page.keyboard.press("ArrowRight")
    expect(points.nth(1)).to_be_focused()
    expect(told).to_contain_text("middle")
    page.keyboard.press("End")
    expect(points.nth(2)).to_be_focused()
    page.keyboard.press("Home")
    expect(points.first).to_be_focused()
    label = "maker/weak, chosen: completion 75.0%, give or take 5.0%, $1.00 per 1,000 requests"
    expect(points.first).to_have_attribute("aria-label", label)


def test_points_lie_where_cost_and_completion_put_them(page: Page) -> None:
    page.route("**/api/route", three)
    view = decide(page, new_prompt("Places"))
    marks = view.locator(".dot .mark")
    places = [(float(m.get_attribute("cx") or 0), float(m.get_attribute("cy") or 0)) for m in marks.all()]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1)  # ten times the cost is the same way, each time
    assert y0 > y1 > y2
    line = float(view.locator("line.threshold").get_attribute("y1") or 0)
    assert line > y0  # 70% is below 75%
    odds = [math.log(p / (1 - p)) for p in (0.75, 0.9, 0.95)]
    assert (y0 - y1) / (y1 - y2) == pytest.approx((odds[1] - odds[0]) / (odds[2] - odds[1]))


def test_a_decision_of_another_policy_is_not_replayed(page: Page) -> None:
    def answer(route: Route) -> None:
        decision = route.fetch().json()
        dearest = decision["candidates"][-1]["model_id"]
        route.fulfill(json=decision | {"selected": [dearest]})

    page.route("**/api/route", answer)
    decide(page, new_prompt("Elsewhere"))
    expect(decision_shown(page).get_by_test_id("no-replay")).to_contain_text("cannot be replayed")
    expect(decision_shown(page).get_by_test_id("threshold")).to_have_count(0)
