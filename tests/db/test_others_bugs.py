"""Bugs that other compilers from GraphQL to SQL shipped, each held off by name."""

from __future__ import annotations

import json

from poutama.db.trace import StatementTrace
from poutama.engine import Engine
from poutama.features import load_model
from poutama.settings import Settings
from tests.golden.engine_client import EngineClient
from tests.golden.rows import goal_id, task_id

GOAL_1, GOAL_2, GOAL_3 = (str(goal_id(number)) for number in (1, 2, 3))


async def statements_of(client: EngineClient, query: str) -> list[str]:
    sent: list[StatementTrace] = []
    with client.database.observe(sent.append):
        await client.ask(query)
    return [trace.statement for trace in sent]


async def test_fraiseql_760_the_cache_key_ignored_the_nested_selection(
    client: EngineClient,
) -> None:
    for name in ("id", "information", "complete"):
        data = await client.ask(f"{{ goals(first: 1) {{ tasks(first: 1) {{ {name} }} }} }}")
        assert [*data["goals"][0]["tasks"][0]] == [name]


async def test_fraiseql_826_skip_on_fragment_spreads_was_ignored(client: EngineClient) -> None:
    query = """query ($hide: Boolean!) { goals(first: 1) {
      id ...Words @skip(if: $hide)
      ... on Goal @skip(if: $hide) { complete } ... @include(if: $hide) { version }
    } }
    fragment Words on Goal { title }"""
    for hide, keys in ((False, ["id", "title", "complete"]), (True, ["id", "version"])):
        data = await client.ask(query, hide=hide)
        assert [*data["goals"][0]] == keys


async def test_grafast_plans_fork_by_skip_and_must_not_be_confused(client: EngineClient) -> None:
    query = """query ($a: Boolean!, $b: Boolean!) {
      goals(first: 1) { id @skip(if: $a) title @include(if: $b) }
    }"""
    for _ in range(2):
        for a in (True, False):
            for b in (True, False):
                keys = ["id"] * (not a) + ["title"] * b
                assert [*(await client.ask(query, a=a, b=b))["goals"][0]] == keys


async def test_fraiseql_759_only_the_first_root_of_a_mutation_ran(client: EngineClient) -> None:
    done = await client.ask(
        """mutation ($one: UUID!, $two: UUID!) {
          a: updateGoal(input: {goalId: $one, title: "First"}) { goal { title } }
          b: updateGoal(input: {goalId: $two, title: "Second"}) { goal { title } }
          c: createGoalNote(input: {goalId: $two, information: "Third"}) { note { information } }
        }""",
        one=GOAL_1,
        two=GOAL_2,
    )
    assert done["c"] == {"note": {"information": "Third"}}
    after = await client.ask("{ goals(first: 2) { title notes { information } } }")
    assert [goal["title"] for goal in after["goals"]] == ["First", "Second"]
    assert after["goals"][1]["notes"] == [{"information": "Third"}]


async def test_fraiseql_python_119_124_145_aliases_were_dropped(client: EngineClient) -> None:
    data = await client.ask(
        """{ mine: goals(first: 1) {
             title: id id: title steps: tasks(first: 1) { what: information }
             rest: tasks(filter: {complete: {eq: false}}) { what: information } } }"""
    )
    (goal,) = data["mine"]
    assert goal == {
        "title": GOAL_1,
        "id": "Kōrero Māori",
        "steps": [{"what": "Learn ten kupu"}],
        "rest": [{"what": "Ask Nan about her marae"}, {"what": "Karakia by heart"}],
    }


async def test_fraiseql_python_119_124_145_filters_were_silently_ignored(
    client: EngineClient,
) -> None:
    query = """query ($f: GoalFilter, $t: GoalTaskFilter) {
      goals(filter: $f) { id tasks(filter: $t) { id } }
    }"""
    filters = {"f": {"title": {"contains": "korero"}}, "t": {"position": {"gt": 1}}}
    expected = [{"id": GOAL_1, "tasks": [{"id": str(task_id(3))}]}]
    assert (await client.ask(query, **filters))["goals"] == expected
    # What has no meaning is refused rather than passed over.
    for wrong in ({"title": None}, {"title": {"contains": None}}, {"and": None}):
        assert await client.refuse(query, f=wrong) == "BAD_USER_INPUT"
    assert await client.refuse(query, f={"titel": {"eq": "x"}}) == "BAD_USER_INPUT"


async def test_fraiseql_288_nested_fields_of_a_second_root_were_empty(client: EngineClient) -> None:
    lists = "tasks { information goal { owner { name } } } notes { information }"
    data = await client.ask(
        f"{{ a: goals {{ {lists} }} b: goals {{ {lists} }} me {{ goals {{ {lists} }} }} }}"
    )
    assert data["a"] == data["b"] == data["me"]["goals"]
    assert len(data["b"][0]["tasks"]) == 3
    assert data["b"][0]["tasks"][0]["goal"]["owner"] == {"name": "Ana"}


async def test_strawberry_django_563_nested_pagination_was_ignored(client: EngineClient) -> None:
    data = await client.ask(
        """{ goals(first: 2) { tasks(first: 1, orderBy: [POSITION_DESC]) { information }
             tasksConnection(first: 1) { nodes { information } } } }"""
    )
    assert data["goals"] == [
        {
            "tasks": [{"information": "Karakia by heart"}],
            "tasksConnection": {"nodes": [{"information": "Learn ten kupu"}]},
        },
        {
            "tasks": [{"information": "Run 3 km"}],
            "tasksConnection": {"nodes": [{"information": "Run 1 km"}]},
        },
    ]


async def test_strawberry_django_650_nested_pages_mixed_up_their_parents(
    client: EngineClient,
) -> None:
    # Every goal's owner leads back to all goals: each of them once, under each parent.
    data = await client.ask("{ goals { owner { goalsConnection(first: 3) { nodes { id } } } } }")
    first_three = {"goalsConnection": {"nodes": [{"id": i} for i in (GOAL_1, GOAL_2, GOAL_3)]}}
    assert data["goals"] == [{"owner": first_three}] * 5


async def test_strawberry_django_pr_931_a_count_was_sent_for_every_empty_page(
    client: EngineClient,
) -> None:
    for arguments in ("", "(first: 0)", "(first: 1)"):
        query = f"{{ goals {{ notesConnection{arguments} {{ totalCount edges {{ cursor }} }} }} }}"
        assert len(await statements_of(client, query)) == 1
        pages = [goal["notesConnection"] for goal in (await client.ask(query))["goals"]]
        assert [page["totalCount"] for page in pages] == [2, 0, 1, 0, 0]


async def test_cve_2026_47707_fragments_hid_aliases_from_the_limit(client: EngineClient) -> None:
    # Ten aliases as written, eighteen as meant.
    eight = " ".join(f"a{number}: title" for number in range(8))
    fragment = f"fragment Many on Goal {{ {eight} }}"
    hidden = f"{{ x: goals {{ ...Many }} y: goals {{ ...Many }} }} {fragment}"
    _, error = await client.fail(hidden)
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "aliases",
        "allowed": 15,
        "value": 18,
    }
    assert len((await client.ask(f"{{ x: goals {{ ...Many }} }} {fragment}"))["x"][0]) == 8


async def test_pg_graphql_broke_an_object_at_a_hundred_arguments(client: EngineClient) -> None:
    settings = Settings(rendering=client.rendering, max_aliases=300, max_repeats=300)
    client.engine = Engine(load_model(), client.database, settings, {})
    fields = " ".join(f"a{number}: title" for number in range(300))
    data = await client.ask(f"{{ goals(first: 1) {{ {fields} }} }}")
    assert data["goals"] == [{f"a{number}": "Kōrero Māori" for number in range(300)}]


async def test_pg_graphql_s_random_aliases_made_every_statement_new(client: EngineClient) -> None:
    query = "{ goals { tasks { id } notesConnection { totalCount } } me { name } }"
    fresh = EngineClient(client.database, client.rendering)
    assert await statements_of(client, query) == await statements_of(fresh, query)


async def test_cockroachdb_json_sorted_keys_by_the_alphabet(client: EngineClient) -> None:
    answer = await client.send(
        "{ goals(first: 1) { version title id complete color } me { name id } }"
    )
    keys = [key for key, _ in json.loads(answer.body, object_pairs_hook=tuple)[0][1]]
    assert keys == ["goals", "me"]
    goal = json.loads(answer.body)["data"]["goals"][0]
    assert [*goal] == ["version", "title", "id", "complete", "color"]


async def test_cockroachdb_151609_a_limit_was_taken_before_the_filter(client: EngineClient) -> None:
    data = await client.ask(
        "{ goals(first: 2) { tasks(first: 1, filter: {complete: {eq: false}}) { information } } }"
    )
    assert [goal["tasks"] for goal in data["goals"]] == [
        [{"information": "Ask Nan about her marae"}],
        [{"information": "Run 3 km"}],
    ]
