# SPDX-License-Identifier: Apache-2.0
# run.sh copies this file beside the code that docs/drivers.md and docs/drivers/python.md show.
import asyncio
import os
import re
import traceback
from contextlib import contextmanager

import asyncpg
import django
import psycopg
import psycopg2
import psycopg_pool
import shown_asyncpg
import shown_psycopg
import shown_sqlalchemy
import sqlalchemy
from django.conf import settings

ALICE, BOB, FORGED, EXPIRED, SESSION_JWK, PGPORT, POOL_PORT = (
    os.environ[name] for name in "ALICE BOB FORGED EXPIRED SESSION_JWK PGPORT POOL_PORT".split()
)
NOTES = "SELECT body FROM note ORDER BY id"
WHO = "SELECT auth.user_id(), (SELECT count(*) FROM note), pg_backend_pid()"
TO = {"host": "127.0.0.1", "port": int(POOL_PORT), "user": "app"}
# Not a token of this test, where a statement's text gets it: the server logs that.
MADE_UP = "made.up.value"
DJANGO = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": "127.0.0.1",
    "PORT": POOL_PORT,
    "USER": "app",
    "DISABLE_SERVER_SIDE_CURSORS": True,
    "CONN_MAX_AGE": None,
}
settings.configure(
    DEBUG=True,
    DATABASES={"default": DJANGO | {"NAME": "app"}, "keyless": DJANGO | {"NAME": "keyless"}},
)
django.setup()
import shown_django  # noqa: E402
from django.db import connection, connections  # noqa: E402

loop = asyncio.new_event_loop()
wait = loop.run_until_complete


# Of each driver: open(database) is a context with run(token, query, *values), which is as_user, and
# outside(query). Both return rows. A value has the place %s.
class Psycopg:
    shown = shown_psycopg

    @contextmanager
    def open(self, database):
        options = TO | {"dbname": database, "prepare_threshold": None}
        with psycopg_pool.ConnectionPool(kwargs=options, min_size=2, max_size=2, open=True) as self.pool:
            yield

    def rows(self, conn, query, *values):
        cursor = conn.execute(query, values)
        return cursor.fetchall() if cursor.description else []

    def run(self, token, query, *values, then=lambda: None):
        def work(conn):
            rows = self.rows(conn, query, *values)
            then()
            return rows

        return self.shown.as_user(self.pool, token, work)

    def outside(self, query):
        with self.pool.connection() as conn:
            return self.rows(conn, query)


class Asyncpg:
    shown = shown_asyncpg

    @contextmanager
    def open(self, database):
        self.pool = wait(
            asyncpg.create_pool(
                **TO, database=database, statement_cache_size=0, min_size=2, max_size=2, loop=loop
            )
        )
        yield
        wait(self.pool.close())

    def run(self, token, query, *values, then=lambda: None):
        async def work(conn):
            rows = [tuple(row) for row in await conn.fetch(query.replace("%s", "$1"), *values)]
            then()
            return rows

        return wait(self.shown.as_user(self.pool, token, work))

    def outside(self, query):
        return [tuple(row) for row in wait(self.pool.fetch(query))]


class SQLAlchemy:
    shown = shown_sqlalchemy

    @contextmanager
    def open(self, database, hide=True):
        self.engine = sqlalchemy.create_engine(
            f"postgresql+psycopg://app@127.0.0.1:{POOL_PORT}/{database}",
            hide_parameters=hide,
            connect_args={"prepare_threshold": None},
        )
        yield
        self.engine.dispose()

    def rows(self, conn, query, *values):
        result = conn.execute(
            sqlalchemy.text(query.replace("%s", ":value")), {"value": values[0]} if values else {}
        )
        return [tuple(row) for row in result] if result.returns_rows else []

    def run(self, token, query, *values, then=lambda: None):
        def work(conn):
            rows = self.rows(conn, query, *values)
            then()
            return rows

        return self.shown.as_user(self.engine, token, work)

    def outside(self, query):
        with self.engine.connect() as conn:
            return self.rows(conn, query)


class Django:
    shown = shown_django

    @contextmanager
    def open(self, database):
        # The page's code names the default database.
        default, connections["default"] = (
            connections["default"],
            connections["default" if database == "app" else database],
        )
        yield
        connections["default"] = default

    def outside(self, query, *values):
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def run(self, token, query, *values, then=lambda: None):
        with self.shown.as_user(token):
            rows = self.outside(query, *values)
            then()
            return rows


count = 0
failed = False


def test(name, body):
    global count, failed
    count += 1
    try:
        body()
        print(f"ok {count} - {name}", flush=True)
    except Exception:
        failed = True
        print(f"not ok {count} - {name}")
        print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r}, not {wanted!r}")


def error_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except Exception as error:
        return error
    raise AssertionError("no error")


# What an application can log of an error, in any usual way.
def text_of(error):
    return "\n".join([str(error), repr(error), str(vars(error)), *traceback.format_exception(error)])


def has_no_token(error):
    for token in ALICE, BOB, FORGED, EXPIRED:
        for part in token.split(".")[1:]:
            if part in text_of(error):
                raise AssertionError(f"a token is in the text: {text_of(error)}")


def cases(driver):
    name = type(driver).__name__

    def is_nobodys():
        [(who, seen, pid)] = driver.outside(WHO)
        equal((who, seen, pid), (None, 0, driver.__dict__.setdefault("pid", pid)))

    def usable():
        is_nobodys()
        equal(driver.run(BOB, NOTES), [("of bob",)])
        is_nobodys()

    def turns():
        for _ in range(20):
            equal(driver.run(ALICE, NOTES), [("of alice",)])
            is_nobodys()
            usable()

    def refusal(token):
        error = error_of(driver.run, token, NOTES)
        equal(type(error), driver.shown.TokenRefused)
        has_no_token(error)
        usable()

    def constraint():
        error = error_of(driver.run, ALICE, "INSERT INTO note (body) VALUES (%s)", "")
        equal(isinstance(error, driver.shown.TokenRefused), False)
        equal("note_body_check" in str(error), True)
        has_no_token(error)
        usable()

    def unlucky():
        error = error_of(driver.run, ALICE, "INSERT INTO note (body) VALUES (%s)", "more", then=lambda: 1 / 0)
        equal(type(error), ZeroDivisionError)
        equal(driver.run(ALICE, NOTES), [("of alice",)])

    def keyless():
        error = error_of(driver.run, ALICE, "SELECT 1")
        equal(error.sqlstate, "55000")
        has_no_token(error)

    with driver.open("app"):
        test(f"{name}: users take turns on one connection", turns)
        for what, token in ("an expired token", EXPIRED), ("a forged token", FORGED), ("no JWT", "alice"):
            test(f"{name}: {what} is refused, and its text is in no error", lambda: refusal(token))
        test(f"{name}: a constraint of the work is no refused token", constraint)
        test(f"{name}: what fails leaves no row", unlucky)
    with driver.open("keyless"):
        test(f"{name}: a server without keys is no refused token", keyless)


for driver in Psycopg(), Asyncpg(), SQLAlchemy(), Django():
    cases(driver)


# What the page says of errors and logs that this code does not pass on.
def sqlalchemy_errors():
    driver = SQLAlchemy()
    for hide in False, True:
        with driver.open("app", hide):
            with driver.engine.connect() as conn:
                error = error_of(driver.rows, conn, "SELECT auth.jwt_authenticate(%s)", EXPIRED)
        equal((EXPIRED in str(error), error.orig.sqlstate), (not hide, "23514"))


def django_queries():
    equal([query for query in connection.queries if "auth.jwt_authenticate" in query["sql"]], [])
    error_of(Django().outside, "SELECT auth.jwt_authenticate(%s)", MADE_UP)
    equal(MADE_UP in connection.queries[-1]["sql"], True)


# The text of the statement as the server gets it.
def statement_text(cursor):
    cursor.execute("SELECT current_query(), %s", [MADE_UP])
    return cursor.fetchone()[0]


def django_text():
    with connection.cursor() as cursor:
        equal(MADE_UP in statement_text(cursor), True)
    bound = django.db.backends.postgresql.base.DatabaseWrapper(
        connection.settings_dict | {"OPTIONS": {"server_side_binding": True}}
    )
    with bound.cursor() as cursor:
        equal(MADE_UP in statement_text(cursor), False)
    bound.close()


def psycopg2_text():
    conn = psycopg2.connect(**TO, dbname="app")
    cursor = conn.cursor()
    equal(MADE_UP in statement_text(cursor), True)
    equal(MADE_UP in str(cursor.query), True)
    error = error_of(cursor.execute, "SELECT auth.jwt_authenticate(%s)", [MADE_UP])
    equal((error.pgcode, MADE_UP in str(error)), ("42804", False))
    conn.close()


def driver_errors():
    with psycopg.connect(**TO, dbname="app") as conn:
        error = error_of(conn.execute, "SELECT auth.jwt_authenticate(%s)", [EXPIRED])
    equal(error.sqlstate, "23514")
    has_no_token(error)
    conn = wait(asyncpg.connect(**TO, database="app", statement_cache_size=0))
    error = error_of(lambda: wait(conn.execute("SELECT auth.jwt_authenticate($1)", EXPIRED)))
    wait(conn.close())
    equal(error.sqlstate, "23514")
    has_no_token(error)


def startup():
    direct = {"host": "127.0.0.1", "port": int(PGPORT), "user": "app"}
    escaped = re.sub(r"([\\ ])", r"\\\1", SESSION_JWK)
    with psycopg.connect(**direct, dbname="session_key", options=f"-c pg_session_jwt.jwk={escaped}") as conn:
        conn.execute("SELECT auth.init()")
    conn = wait(
        asyncpg.connect(**direct, database="session_key", server_settings={"pg_session_jwt.jwk": SESSION_JWK})
    )
    wait(conn.execute("SELECT auth.init()"))
    wait(conn.close())


test("SQLAlchemy: its own error has the token, unless hide_parameters is set", sqlalchemy_errors)
test("Django: connection.queries has no token, unless Django's cursor gets one", django_queries)
test("Django: a parameter is in the statement's text, unless server_side_binding is set", django_text)
test("psycopg2: a parameter is in the statement's text", psycopg2_text)
test("psycopg, asyncpg: their errors have no token", driver_errors)
test("psycopg, asyncpg: the session's key at the start of a connection", startup)
print(f"1..{count}")
raise SystemExit(failed)
