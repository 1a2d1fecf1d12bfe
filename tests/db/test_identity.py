"""Who signs in from outside: bound once, by a verified email, and by subject for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import pytest

from poutama.db.connection import Database
from poutama.db.identity import FIND_BY_EMAIL, SignIn, find_person
from poutama.db.trace import StatementTrace
from poutama.edge.issuers import parse_issuers
from poutama.edge.oidc import OidcVerifier
from poutama.edge.tokens import Authenticator
from poutama.errors import ForbiddenError, UnavailableError
from poutama.settings import Settings
from poutama.text import normalize_email
from poutama.viewer import Viewer
from tests.db.proxy import Action, Fault, FaultProxy
from tests.db.sessions import soon
from tests.unit.edge.issuer import AUDIENCE, NOW, ed_key, serve_issuer

ISSUER = "https://issuer.example"
ANA = "ana@school.example"


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[Database]:
    database = Database(Settings(database_url=fresh_database_url, pool_size=4))
    yield database
    await database.close()


async def invite(database: Database, email: str) -> UUID:
    rows = await database.write(
        "insert into person (id, email, name) values ($1, $2, 'Someone') returning id",
        [uuid4(), email],
        deadline=soon(),
    )
    return UUID(str(rows[0]["id"]))


async def remove(database: Database, person_id: UUID) -> None:
    await database.write("delete from person where id = $1", [person_id], deadline=soon())


async def identities(database: Database) -> list[tuple[str, str, UUID]]:
    rows = await database.read(
        "select issuer, subject, person_id from identity order by issuer, subject", deadline=soon()
    )
    return [(row["issuer"], row["subject"], UUID(str(row["person_id"]))) for row in rows]


def sign_in(subject: str = "s1", email: str | None = ANA, issuer: str = ISSUER) -> SignIn:
    return SignIn(issuer, subject, email)


async def test_the_first_time_an_invited_person_is_known_by_their_email(database: Database) -> None:
    ana = await invite(database, ANA)
    await invite(database, "ben@school.example")
    assert await find_person(database, sign_in()) == ana
    assert await identities(database) == [(ISSUER, "s1", ana)]


@pytest.mark.parametrize("email", [None, "another@school.example", "ben@school.example"])
async def test_from_then_on_by_subject_whatever_the_email(
    database: Database, email: str | None
) -> None:
    ana = await invite(database, ANA)
    await invite(database, "ben@school.example")
    await find_person(database, sign_in())
    assert await find_person(database, sign_in(email=email)) == ana
    await database.write(
        "update person set email = 'new@x.example' where id = $1 returning 1",
        [ana],
        deadline=soon(),
    )
    assert await find_person(database, sign_in()) == ana


async def test_an_invitation_with_capitals_is_found(database: Database) -> None:
    ana = await invite(database, "Ana@School.Example")
    assert await find_person(database, sign_in()) == ana


async def test_people_whose_emails_differ_by_case_alone_are_not_guessed_at(
    database: Database,
) -> None:
    await invite(database, "ANA@school.example")
    await invite(database, "Ana@school.example")
    with pytest.raises(ForbiddenError, match="has not been invited"):
        await find_person(database, sign_in())
    assert await identities(database) == []


async def test_a_stranger_is_told_whom_to_ask(database: Database) -> None:
    with pytest.raises(ForbiddenError, match="ask your school's administrator"):
        await find_person(database, sign_in())


async def test_an_email_that_is_not_verified_binds_no_person(database: Database) -> None:
    await invite(database, ANA)
    with pytest.raises(ForbiddenError, match="no verified email"):
        await find_person(database, sign_in(email=None))
    assert await identities(database) == []


async def test_a_second_subject_with_the_same_email_is_refused(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ana = await invite(database, ANA)
    await find_person(database, sign_in())
    with (
        caplog.at_level(logging.DEBUG, "poutama"),
        pytest.raises(ForbiddenError, match="has another account"),
    ):
        await find_person(database, sign_in("s2"))
    assert await identities(database) == [(ISSUER, "s1", ana)]
    assert f"the address that {ISSUER} verified belongs to a person with another" in caplog.text
    assert not any(word in caplog.text for word in ("ana", "s2", str(ana)))


async def test_another_issuer_does_not_take_over_the_same_person(database: Database) -> None:
    ana = await invite(database, ANA)
    assert await find_person(database, sign_in()) == ana
    with pytest.raises(ForbiddenError, match="administrator of your school must decide"):
        await find_person(database, sign_in(issuer="https://other.example"))
    assert await identities(database) == [(ISSUER, "s1", ana)]


async def test_the_same_subject_of_another_issuer_is_another_person(database: Database) -> None:
    await invite(database, ANA)
    ben = await invite(database, "ben@school.example")
    await find_person(database, sign_in())
    other = sign_in(email="ben@school.example", issuer="https://other.example")
    assert await find_person(database, other) == ben


async def test_a_removed_person_is_forgotten_and_may_be_invited_again(database: Database) -> None:
    await remove(database, await invite_and_bind(database))
    with pytest.raises(ForbiddenError):
        await find_person(database, sign_in())
    again = await invite(database, ANA)
    assert await find_person(database, sign_in("s2")) == again


async def invite_and_bind(database: Database) -> UUID:
    await invite(database, ANA)
    return await find_person(database, sign_in())


async def test_who_is_known_costs_one_read_of_one_row(database: Database) -> None:
    await invite_and_bind(database)
    traces: list[StatementTrace] = []
    with database.observe(traces.append):
        await find_person(database, sign_in())
    assert [(trace.name, trace.rows) for trace in traces] == [("identity", 1)]


async def test_an_unknown_address_is_looked_up_by_an_index(
    database: Database, fresh_database_url: str, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("the plan is PostgreSQL's")
    connection = await asyncpg.connect(fresh_database_url)
    # A table without rows is read whole unless that is switched off.
    await connection.execute("set enable_seqscan = off")
    plan = await connection.fetch(f"explain {FIND_BY_EMAIL}", "stranger@school.example")
    await connection.close()
    assert "person_lower_email_idx" in "\n".join(row[0] for row in plan)


async def test_many_first_sign_ins_at_once_are_one(database: Database) -> None:
    ana = await invite(database, ANA)
    found = await asyncio.gather(*(find_person(database, sign_in()) for _ in range(8)))
    assert found == [ana] * 8
    assert await identities(database) == [(ISSUER, "s1", ana)]


@pytest.mark.parametrize("subject", ["s1", "s2"])
async def test_of_two_that_meet_in_the_middle_the_first_to_commit_is_bound(
    database: Database, fresh_database_url: str, database_engine: str, subject: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("only PostgreSQL shows who waits")
    ana = await invite(database, ANA)
    other = await asyncpg.connect(fresh_database_url)
    await other.execute("begin isolation level serializable")
    await other.execute("insert into identity values ($1, 's1', $2)", ISSUER, ana)
    waiter = asyncio.create_task(find_person(database, sign_in(subject)))
    waiting = (
        "select 1 from pg_stat_activity where datname = current_database()"
        " and application_name = 'poutama' and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60):
        while not await database.read(waiting, deadline=soon()):
            assert not waiter.done()
    await other.execute("commit")
    await other.close()
    if subject == "s1":
        assert await waiter == ana
    else:
        with pytest.raises(ForbiddenError, match="has another account"):
            await waiter
    assert await identities(database) == [(ISSUER, "s1", ana)]


@pytest.mark.parametrize("count", [2, 6])
async def test_of_several_subjects_at_once_one_is_bound(database: Database, count: int) -> None:
    ana = await invite(database, ANA)
    found = await asyncio.gather(
        *(find_person(database, sign_in(f"s{number}")) for number in range(count)),
        return_exceptions=True,
    )
    assert [one for one in found if not isinstance(one, ForbiddenError)] == [ana]
    assert len(await identities(database)) == 1


async def test_a_connection_lost_at_any_message_binds_all_the_same(
    database: Database, fresh_database_url: str
) -> None:
    async with FaultProxy(fresh_database_url) as proxy:
        through = Database(Settings(pool_size=2), url=proxy.proxied_url)

        async def sign_in_anew(number: int, fault: Fault | None) -> int:
            email = f"student-{len(await identities(database))}@school.example"
            person = await invite(database, email)
            proxy.arm(number, fault)
            assert await find_person(through, sign_in(email, email)) == person
            proxy.rest()
            assert (ISSUER, email, person) in await identities(database)
            return len(proxy.messages)

        await sign_in_anew(-1, None)  # prepares the statements
        messages = await sign_in_anew(-1, None)
        assert messages > 20
        for number in range(messages):
            await sign_in_anew(number, Fault(Action.DROP_AFTER))
            assert proxy.fired
        await through.close()


async def test_a_database_that_is_down_is_not_a_stranger() -> None:
    database = Database(Settings(database_url="postgresql://none@127.0.0.1:1/nothing"))
    with pytest.raises(UnavailableError):
        await find_person(database, sign_in(), seconds=0.2)
    await database.close()


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Ana@School.EXAMPLE", "ana@school.example"),
        ("MA\u0304RIA@school.example", "m\u0101ria@school.example"),
        ("m\u0101ria@school.example", "m\u0101ria@school.example"),
        ("stra\u00dfe@school.example", "stra\u00dfe@school.example"),
        ("mi\u212ae@school.example", None),
        ("", None),
        ("@", None),
        ("ana", None),
        ("ana@", None),
        ("@school.example", None),
        ("ana @school.example", None),
        ("ana@school.example\n", None),
        ("ana\0@school.example", None),
        ("a" * 320 + "@school.example", None),
    ],
)
def test_emails_are_compared_in_one_form(text: str, email: str | None) -> None:
    assert normalize_email(text) == email
    if email is not None:
        assert normalize_email(email) == email


async def test_a_token_is_a_person_until_a_minute_after_they_are_removed(
    database: Database,
) -> None:
    key = ed_key()
    now = NOW
    with serve_issuer(key.published(kid="k1")) as server:
        issuers = parse_issuers(f"{server.url}|{AUDIENCE}", loopback=True)
        authenticator = Authenticator(
            OidcVerifier(issuers, partial(find_person, database)), clock=lambda: now
        )
        ana = await invite(database, ANA)
        first = f"Bearer {server.token(key, email='ANA@school.example', email_verified=True)}"
        later = f"Bearer {server.token(key, iat=NOW - 1)}"
        for header in (first, later):
            assert await authenticator.viewer_from_authorization(header) == Viewer(ana)
        await remove(database, ana)
        now = NOW + 59
        assert await authenticator.viewer_from_authorization(later) == Viewer(ana)
        now = NOW + 60
        stranger = await authenticator.viewer_from_authorization(later)
        assert stranger is not None
        assert stranger.sign_in is not None
