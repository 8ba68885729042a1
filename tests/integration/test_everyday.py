"""Everyday prompts are ordered by the bundled weights as a person would order them, and the choice follows."""

import json
from itertools import pairwise
from statistics import mean

import numpy as np
import pytest
from numpy.typing import NDArray
from pointsman.router import Router

from tests.conftest import ROOT

# Thirty prompts in five tiers, from small talk to a proof in Lean. None of them is an anchor.
TIERS = (
    (
        "hi",
        "What is 1+1?",
        "What colour is grass?",
        "How do you say “house” in Spanish?",
        "Thanks, that's all I needed.",
        "Which invoice number is in this line? “Invoice RE-4711 of 3 May, due in 14 days”",
    ),
    (
        "Write a two-sentence thank-you note to my neighbour for watering the plants.",
        "Write a Python function that reverses a string.",
        "What is 12 % of 250?",
        "Explain in simple words what a virus is.",
        "SQL: the names of all customers from Paris, sorted.",
        "How do I unclog a kitchen sink?",
    ),
    (
        "Plan three days in Rome for two adults and two children of four and seven, one rainy, no car, 600 euros.",
        "Write a Python script that merges two CSV files by a key, reports missing rows, and has tests.",
        "Prove that the square root of 5 is irrational.",
        "Explain eventual consistency and its trade-offs to a product manager, with an example from a shop.",
        "400 of 10,000 visitors bought with version A, 455 of 10,100 with B. Is the difference significant at 5 %?",
        "May my landlord in Germany raise the rent by 15 % after two years, and how do I answer his letter?",
    ),
    (
        "Our connection pool hands out a closed connection about once a day under load. Find the race, fix it without a"
        " global lock, and write a test that fails before and passes after.",
        "Design a rate limiter over five regions with at most 1 % overshoot and no call between them on the hot path.",
        "Write a Shakespearean sonnet about tax law, strict pentameter, the initials of the lines spelling REVENUE"
        " SERVICE.",
        "What is 48,917,233 × 7,390,418? Exactly, no calculator.",
        "Find all integers x, y with x² + y² = 7z² and prove that there are no others.",
        "Move a Postgres database of 2 TB to another host with less than a minute of downtime, sequences and large"
        " objects included, with a way back.",
    ),
    (
        "Implement a lock-free queue for many producers and consumers in C++20 with safe memory reclamation, justify"
        " every memory order, and prove it linearizable.",
        "Formalise and prove in Lean 4, without automation, that every finite division ring is commutative.",
        "Fix issue 2931 in our 400,000-line database: after a failover a committed transaction is lost, about once a"
        " quarter, never reproduced. Patch, regression test, and a migration of the live data.",
        "Derive the two-loop beta function of QCD with all diagrams and counterterms.",
        "Prove that every even number greater than two is a sum of two primes.",
        "You have root on production: three etcd members disagree after a power cut. Restore quorum and lose no write.",
    ),
)
TWINS = (
    ("What is 7 times 8?", "What is 7,483,921 times 8,291,377, exactly?"),
    ("Prove that the sum of two odd numbers is even.", "Prove that there are infinitely many twin primes."),
    ("Write a Python function that adds two numbers.", "Write a Python JIT compiler for x86-64 with a proof of it."),
    ("Name a river in France.", "Name the lock-keeper at Rouen in March 1871."),
    ("Translate “good night” into Italian.", "Translate “good night” into Sumerian cuneiform as a rhyming couplet."),
    ("Write a sentence about autumn.", "Write a sentence about autumn that is a palindrome by letters."),
    ("Rename the variable x to total in line 3.", "Rename our public API across 900 services without downtime."),
    (
        "I have read all about elliptic curves, sheaves and motives for my thesis, and drank much coffee. Only one"
        " question: how many days are in a week?",
        "How many integer points are on y² = x³ − 1639x + 24662, with proof?",
    ),
)
LANGUAGES = {
    "easy": {
        "en": "What is the capital of Japan?",
        "de": "Was ist die Hauptstadt von Japan?",
        "fr": "Quelle est la capitale du Japon ?",
        "es": "¿Cuál es la capital de Japón?",
        "it": "Qual è la capitale del Giappone?",
        "pt": "Qual é a capital do Japão?",
        "nl": "Wat is de hoofdstad van Japan?",
        "pl": "Jaka jest stolica Japonii?",
        "ru": "Какая столица у Японии?",
        "tr": "Japonya'nın başkenti neresidir?",
        "ar": "ما هي عاصمة اليابان؟",
        "zh": "日本的首都是哪里?",
        "ja": "日本の首都はどこですか?",
        "ko": "일본의 수도는 어디인가요?",
        "th": "เมืองหลวงของญี่ปุ่นคืออะไร",
        "vi": "Thủ đô của Nhật Bản là gì?",
        "hi": "जापान की राजधानी क्या है?",
        "sw": "Mji mkuu wa Japani ni upi?",
    },
    "hard": {
        "en": "Prove completely that the Navier–Stokes equations in three dimensions have smooth solutions.",
        "de": "Beweise vollständig, dass die Navier-Stokes-Gleichungen in drei Dimensionen glatte Lösungen haben.",
        "fr": "Démontre complètement que les équations de Navier-Stokes en dimension trois ont des solutions lisses.",
        "es": "Demuestra del todo que las ecuaciones de Navier-Stokes en tres dimensiones tienen soluciones suaves.",
        "it": "Dimostra completamente che le equazioni di Navier-Stokes in tre dimensioni hanno soluzioni regolari.",
        "pt": "Demonstra por completo que as equações de Navier-Stokes em três dimensões têm soluções suaves.",
        "nl": "Bewijs volledig dat de Navier-Stokesvergelijkingen in drie dimensies gladde oplossingen hebben.",
        "pl": "Udowodnij w całości, że równania Naviera-Stokesa w trzech wymiarach mają gładkie rozwiązania.",
        "ru": "Полностью докажи, что уравнения Навье — Стокса в трёх измерениях имеют гладкие решения.",
        "tr": "Üç boyutta Navier-Stokes denklemlerinin pürüzsüz çözümleri olduğunu eksiksiz kanıtla.",
        "ar": "أثبت بالكامل أن معادلات نافييه-ستوكس في ثلاثة أبعاد لها حلول ملساء.",
        "zh": "完整证明三维纳维–斯托克斯方程有光滑解。",
        "ja": "三次元のナビエ–ストークス方程式が滑らかな解を持つことを完全に証明してください。",
        "ko": "3차원 나비에-스토크스 방정식이 매끄러운 해를 가짐을 완전히 증명하시오.",
        "th": "พิสูจน์อย่างสมบูรณ์ว่าสมการนาเวียร์–สโตกส์ในสามมิติมีคำตอบที่เรียบ",
        "vi": "Chứng minh đầy đủ rằng phương trình Navier–Stokes ba chiều có nghiệm trơn.",
        "hi": "पूर्ण रूप से सिद्ध करो कि तीन विमाओं में नेवियर–स्टोक्स समीकरणों के चिकने हल होते हैं।",
        "sw": "Thibitisha kikamilifu kwamba milinganyo ya Navier–Stokes katika vipimo vitatu ina masuluhisho laini.",
    },
}
HARD_REQUEST = "Prove that the Riemann zeta function has no zeros off the critical line, every step."


def difficulty(real_router: Router, prompt: str) -> float:
    return real_router.decide(prompt).difficulty


def ranks(values: list[float]) -> NDArray[np.intp]:
    found: NDArray[np.intp] = np.argsort(np.argsort(values))
    return found


def test_thirty_prompts_are_ordered_as_a_person_would(real_router: Router) -> None:
    tiers = [[difficulty(real_router, prompt) for prompt in tier] for tier in TIERS]
    assert all(mean(lower) < mean(higher) for lower, higher in pairwise(tiers)), tiers
    assert max(*tiers[0], *tiers[1]) < min(tiers[4]), tiers
    flat = [value for tier in tiers for value in tier]
    tier_of = [i for i, tier in enumerate(tiers) for _ in tier]
    assert np.corrcoef(ranks(flat), tier_of)[0, 1] > 0.85, tiers


def test_thirty_prompts_are_not_all_given_to_one_model(real_router: Router) -> None:
    chosen = {real_router.decide(prompt).selected for tier in TIERS for prompt in tier}
    assert len(chosen) > 1


def test_the_prompts_of_this_file_are_not_what_was_trained_on() -> None:
    anchors = {
        json.loads(line).get("prompt")
        for path in (ROOT / "artifacts_build/anchors").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    own = {prompt for tier in TIERS for prompt in tier} | {one for pair in TWINS for one in pair}
    assert own & anchors <= {"hi"}


@pytest.mark.parametrize(("easy", "hard"), TWINS)
def test_near_twins_are_in_the_right_order(real_router: Router, easy: str, hard: str) -> None:
    assert difficulty(real_router, easy) + 0.5 < difficulty(real_router, hard)


def test_one_task_is_about_as_hard_in_every_language(real_router: Router) -> None:
    easy, hard = ([difficulty(real_router, text) for text in LANGUAGES[name].values()] for name in ("easy", "hard"))
    assert max(easy) < min(hard)
    assert (np.std(easy) + np.std(hard)) / 2 < 0.35 * np.std([*easy, *hard])


FORMS = {
    "labels": "User: {0}\n\nAssistant: {1}\n\nUser: {2}",
    "Human and AI": "Human: {0}\n\nAI: {1}\n\nHuman: {2}\n\nAI:",
    "ChatML": "<|im_start|>user\n{0}<|im_end|>\n"
    "<|im_start|>assistant\n{1}<|im_end|>\n<|im_start|>user\n{2}<|im_end|>\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_go_on_is_as_hard_as_what_it_continues_and_thanks_is_not(real_router: Router, form: str) -> None:
    def after(reply: str, request: str = HARD_REQUEST) -> float:
        return difficulty(real_router, FORMS[form].format(request, "First, a lemma. Shall I continue?", reply))

    alone = difficulty(real_router, HARD_REQUEST)
    assert after("yes, please go on") == pytest.approx(alone)
    assert after("Thank you, that was very helpful!") < alone - 2
    assert after("yes, please go on", "What is the capital of Chile?") < alone - 2


def test_a_new_question_in_a_conversation_is_judged_by_itself(real_router: Router) -> None:
    easy = "And by the way, how many legs has a horse?"
    after_hard = FORMS["labels"].format(HARD_REQUEST, "Here is what is known.", easy)
    hard_after_easy = FORMS["labels"].format("hi", "Hello! What can I do for you?", HARD_REQUEST)
    assert difficulty(real_router, after_hard) < difficulty(real_router, hard_after_easy) - 2
