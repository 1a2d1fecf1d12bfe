"""The demo school's words: names no person has, and what students might write of their goals.

Called by `demo.school`. English and te reo Māori with macrons, some emoji, quotes, a backslash,
line breaks, very short and long texts: what the API has to carry through unharmed. Names are
put together from invented syllables; no person and no school is meant.

`{thing}`, `{count}` and `{day}` in a phrase are filled in by `write_phrase`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Choice = TypeVar("Choice")

GIVEN_HEADS = (
    *("Ka", "Mei", "Tavi", "Lo", "Ari", "Zeph", "Nua", "Bri", "Hēni", "Osk", "Pāro", "Quin"),
    *("Sō", "Wek", "Ya", "Umi", "Ījo", "Del", "Fen", "Gre", "Ve", "Rūna", "Jas", "Élo"),
)
GIVEN_TAILS = (
    *("ra", "lina", "ko", "thea", "mir", "wai", "nui", "ster", "lo", "vēn", "dri", "ssa"),
    *("ne", "ri", "tū", "phe"),
)
FAMILY_HEADS = (
    *("Ashk", "Tīra", "Wolden", "Maro", "Pellow", "Karu", "O’Dun", "Bexa", "Hāwe", "Strand"),
    *("Quill", "Vanter", "Rongo", "Yarrow", "Ekele", "Zand", "Nordī", "Fara", "Lumen", "Söder"),
)
FAMILY_TAILS = (
    *("more", "ley", "wharu", "son-Vale", "mere", "by", "tana", "worth", "rangi", "beck"),
    *("field", "moana", "stone", "fale"),
)

DAYS = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    *("Rāhina", "Rātū", "Rāapa", "Rāpare", "Rāmere"),
)

# goal type -> what goals of that type are about
THINGS: dict[str, tuple[str, ...]] = {
    "ACADEMIC": (
        *("algebra", "pāngarau", "science", "pūtaiao", "te reo Māori", "essay writing"),
        *("chemistry", "NCEA Level 1", "statistics", "history", "tuhituhi", "coding"),
    ),
    "PERSONAL": (
        *("sleep", "my morning routine", "cooking", "saving", "confidence", "tidiness"),
        *("screen time", "pānui pukapuka", "driving theory", "listening"),
    ),
    "CAREER": (
        *("nursing", "building", "design", "hospitality", "early childhood", "farming"),
        *("engineering", "conservation", "music", "aviation"),
    ),
    "WELLBEING": (
        *("hauora", "mindfulness", "walking", "whānau time", "friendship", "breakfast"),
        *("breathing", "taking breaks", "gratitude", "swimming"),
    ),
    "CULTURAL": (
        *("kapa haka", "my pepeha", "waiata", "weaving", "Pasifika night", "tukutuku"),
        *("whaikōrero", "the school show", "carving", "language week"),
    ),
    "SPORTS": (
        *("netball", "waka ama", "cross country", "basketball", "kī-o-rahi", "futsal"),
        *("hockey", "athletics", "touch", "climbing"),
    ),
}

TITLES = (
    "Get better at {thing}",
    "{thing}",
    "{thing}: every {day}",
    "Finish {count} pieces of work in {thing}",
    "Whakapai ake i taku mahi: {thing}",
    "Kia kaha! {thing}",
    "Be brave in {thing} 💪",
    "Try {thing} for {count} weeks",
    "Ako i ngā kupu hou mō {thing}",
    "“Step by step”: {thing}",
    "Show my whānau what I learned in {thing}",
    "Reach the next step in {thing} 🎯",
    "Taku whāinga: {thing}",
    "Don't give up on {thing}",
    "Lead a group of {count} in {thing}",
    "Mahi tahi: {thing}",
)

INFORMATION = (
    "I want to feel sure of myself in {thing} before the end of term.",
    "",
    "Practise {thing} {count} times a week, and write down how it went.",
    "Kia mōhio ai au ki {thing}. Ka mahi au ia {day}.",
    "My mentor and I agreed on three things:\n1. start small\n2. ask early\n3. keep at it",
    "He iti te mokoroa, nāna i kakati te kahikatea.",
    "Last term I got stuck. This time I ask for help on {day}, not the night before 🙂",
    'Success looks like: someone says "you have really improved in {thing}".',
    "Ki te kore e taea i tēnei wāhanga, ka whakamātau anō.",
    "Why: it matters to me.\nHow: {count} small steps.\nWho helps: my group, tōku whānau.",
    "Whāia te iti kahurangi. {count} steps, one at a time.",
    "TBC",
    "50 % effort is not 100 % effort; notes are in my folder C:\\work\\{thing}",
    "🏃‍♀️📚🎵 a bit of everything, mostly {thing}",
)

TASKS = (
    "Make a plan for {thing}",
    "Talk to my mentor on {day}",
    "Kōrero ki taku kaiako",
    "Practise for {count} minutes",
    "Find {count} examples of {thing}",
    "Tuhia he whakarāpopototanga",
    "Write a summary (one page)",
    "Read chapter {count}",
    "Pānuitia te wāhanga {count}",
    "Ask a friend to check it 👀",
    "Do the quiz again",
    "Ako i ngā kupu hou e {count}",
    "Bring my gear on {day}",
    "Show someone at home",
    "Whakamātau anō",
    "Upload the photo 📷",
    "Set a reminder for {day} < 9am & check it",
    "Mahi tahi me taku rōpū",
    "List what went well / what didn't",
    "Book a time with the librarian",
    "Finish the first draft",
    "Whakaoti i te mahi",
)

NOTES = (
    "Ka pai!",
    "Good start. What is the next small step?",
    "Tino pai te mahi i tēnei rā 🌟",
    "I forgot on {day}, but did it the day after.",
    "Harder than I thought: {count} out of 20.",
    "We talked about {thing}. I will try the other way first.",
    "Kua oti te wāhanga tuatahi.",
    'My group said: "slow down and breathe". They were right.',
    "👍",
    "Kei te ako tonu au.",
    "Need to find more time for this. {day} after school works best.",
    "He pātai tāku: me pēhea te tīmata?",
    "Missed a week (sick) — back on track now.",
    "Proud of this one 😀 it took {count} tries.",
    "Ngā mihi nui ki taku rōpū mō te āwhina.",
)

MENTOR_NOTES = (
    "You have come a long way in {thing}. What helped most?",
    "Ka rawe! Let us look at {thing} together on {day}.",
    "He tino pai tēnei mahi. Kia kaha tonu 💪",
    "Try the first {count} of these, then show me.",
    "I like your plan. Is {day} still a good day for it?",
    "Me aha ināianei? Write down one next step.",
)

# Now and then a student writes a page.
LONG = (
    "This week I looked back at everything I wrote about {thing} since the start of the year. "
    "At first I only counted how often I practised. Then my mentor asked what had changed, and I "
    "did not know what to say. So I started to keep a list: what I tried, what happened, what I "
    "would try next. I tēnei wā, he māmā ake te kite i taku haere whakamua. "
)
MAX_REPEATS = 12


def pick(random: Random, choices: Sequence[Choice]) -> Choice:
    """One of `choices`; three times as fast as `random.choice`, which matters a million times."""
    return choices[int(random.random() * len(choices))]


def write_name(random: Random) -> str:
    given_name = pick(random, GIVEN_HEADS) + pick(random, GIVEN_TAILS)
    family = pick(random, FAMILY_HEADS) + pick(random, FAMILY_TAILS)
    return f"{given_name} {family}"


def write_phrase(random: Random, phrases: Sequence[str], thing: str, *, long: float = 0.0) -> str:
    """One of `phrases`, filled in; in a share `long` of all cases several hundred words instead."""
    if long and random.random() < long:
        return LONG.format(thing=thing) * (1 + int(random.random() * MAX_REPEATS))
    phrase = pick(random, phrases)
    if "{" not in phrase:
        return phrase
    return phrase.format(thing=thing, count=2 + int(random.random() * 14), day=pick(random, DAYS))
