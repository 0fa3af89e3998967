# SPDX-License-Identifier: Apache-2.0


# drivers.sh appends this file to the functions of docs/drivers.md for psycopg.
import logging
import os
import tempfile
import threading
import traceback

import psycopg_pool

logging.getLogger("psycopg").setLevel(logging.CRITICAL)
ALICE, BOB, FORGED, EXPIRED, POLISH = (
    os.environ[name] for name in ("ALICE", "BOB", "FORGED", "EXPIRED", "POLISH")
)
NOTES = "SELECT body FROM note"
BODY = {ALICE: [("of alice",)], BOB: [("of bob",)]}


def make_pool(**options):
    return psycopg_pool.ConnectionPool(
        kwargs=options, min_size=1, max_size=1, timeout=20, open=True
    )


# Each of these runs one query as the user of a token.
def by_as_user(pool, token, query, params=None):
    return as_user(pool, token, lambda conn: conn.execute(query, params).fetchall())


WAYS = {
    "as_user": (by_as_user, False),
    "as_user, autocommit": (by_as_user, True),
    "rows_as_user": (rows_as_user, False),
    "rows_as_user, autocommit": (rows_as_user, True),
}

count = 0
failed = False


def test(name, body):
    global count, failed
    count += 1
    try:
        body()
        print(f"ok {count} - {name}")
    except Exception:
        failed = True
        print(f"not ok {count} - {name}")
        print("# " + traceback.format_exc().replace("\n", "\n# "))


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r}, not {wanted!r}")


def one_row(pool, query):
    with pool.connection() as conn:
        return conn.execute(query).fetchone()


def is_nobodys(pool, pid=None):
    who, seen, found = one_row(
        pool, "SELECT auth.user_id(), (SELECT count(*) FROM note), pg_backend_pid()"
    )
    equal((who, seen, found), (None, 0, pid or found))
    return found


def refused_with(sqlstate, call, *arguments):
    try:
        call(*arguments)
    except TokenRefused as error:
        equal(error.__cause__.sqlstate, sqlstate)
        return
    raise AssertionError("not refused")


def other_error(sqlstate, call, *arguments):
    try:
        call(*arguments)
    except psycopg.Error as error:
        equal(error.sqlstate, sqlstate)
        return
    raise AssertionError("no error")


def cases(name, run, pool):
    pid = is_nobodys(pool)

    def usable():
        is_nobodys(pool, pid)
        equal(run(pool, BOB, NOTES), BODY[BOB])
        is_nobodys(pool, pid)

    def turns():
        for _ in range(8):
            for token in ALICE, BOB:
                equal(run(pool, token, NOTES), BODY[token])
                is_nobodys(pool, pid)

    def prepared():
        for _ in range(8):
            for token in ALICE, BOB:
                equal(run(pool, token, NOTES), BODY[token])
        found = one_row(
            pool, f"SELECT count(*) FROM pg_prepared_statements WHERE statement = '{NOTES}'"
        )
        equal(found, (1,))

    def waiting():
        found = []
        threads = [
            threading.Thread(target=lambda t=token: found.append(run(pool, t, NOTES) == BODY[t]))
            for token in (ALICE, BOB) * 2
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(found, [True] * 4)
        is_nobodys(pool, pid)

    def without_token():
        other_error("22004", run, pool, None, NOTES)
        other_error("22023", run, pool, "", NOTES)
        is_nobodys(pool)

    def constraint():
        insert = "INSERT INTO note (body) VALUES (%s) RETURNING body"
        other_error("23514", run, pool, ALICE, insert, [""])
        usable()

    def lost():
        # The result is a race: libpq reports the end with or without the server's last message,
        # and may omit its SQLSTATE.
        try:
            run(pool, ALICE, "SELECT pg_terminate_backend(pg_backend_pid())")
            raise AssertionError("no error")
        except psycopg.Error:
            pass
        equal(is_nobodys(pool) == pid, False)
        equal(run(pool, BOB, NOTES), BODY[BOB])

    test(f"{name}: users take turns on one connection", turns)
    test(f"{name}: users share a prepared statement", prepared)
    test(f"{name}: users wait for the connection", waiting)
    for what, token, sqlstate in (
        ("a forged token", FORGED, "23514"),
        ("an expired token", EXPIRED, "23514"),
        ("no JWT", "alice", "42804"),
        ("a token without end", "x" * 70000, "54000"),
    ):

        def refusal(token=token, sqlstate=sqlstate):
            refused_with(sqlstate, run, pool, token, NOTES)
            usable()

        test(f"{name}: {what} is refused with {sqlstate}", refusal)
    test(f"{name}: a constraint of the work is no refused token", constraint)
    test(f"{name}: without a token the work does not run", without_token)
    test(f"{name}: a connection that is lost is replaced", lost)


def keyless(run, autocommit):
    with make_pool(dbname="keyless", autocommit=autocommit) as pool:
        other_error("55000", run, pool, ALICE, "SELECT 1")


def latin(run, autocommit):
    with make_pool(dbname="latin", autocommit=autocommit) as pool:
        refused_with("22P05", run, pool, POLISH, "SELECT 1")


def commits():
    def insert(conn):
        conn.execute("INSERT INTO note (body) VALUES ('more')")

    def unlucky(conn):
        insert(conn)
        raise ZeroDivisionError

    with make_pool() as pool:
        pid = is_nobodys(pool)
        try:
            as_user(pool, ALICE, unlucky)
            raise AssertionError("no error")
        except ZeroDivisionError:
            pass
        is_nobodys(pool, pid)
        equal(len(by_as_user(pool, ALICE, NOTES)), 1)
        as_user(pool, ALICE, insert)
        equal(len(by_as_user(pool, ALICE, NOTES)), 2)
        equal(by_as_user(pool, BOB, NOTES), BODY[BOB])


def waits(run, autocommit=False):
    """How often the client asked the server for its answers."""
    with make_pool(autocommit=autocommit) as pool, tempfile.TemporaryFile("w+") as trace:
        with pool.connection() as conn:
            conn.pgconn.trace(trace.fileno())
        run(pool, ALICE, NOTES)
        with pool.connection() as conn:
            conn.pgconn.untrace()
        trace.seek(0)
        lines = [line.rstrip("\n").split("\t") for line in trace]
        sent = [kind for _, direction, _, kind, *_ in lines if direction == "F"]
        # A Flush after a Sync does not add a round trip.
        return sum(
            kind in ("Sync", "Query") or (kind == "Flush" and before != "Sync")
            for before, kind in zip([None] + sent, sent)
        )


for name, (run, autocommit) in WAYS.items():
    with make_pool(autocommit=autocommit) as pool:
        cases(name, run, pool)
    test(f"{name}: a server without keys is no refused token", lambda: keyless(run, autocommit))
    test(
        f"{name}: claims that the database cannot hold are refused with 22P05",
        lambda: latin(run, autocommit),
    )
test("as_user: the work commits, or rolls back where it fails", commits)
test("as_user waits for four answers", lambda: equal(waits(by_as_user), 4))
test("rows_as_user waits for three", lambda: equal(waits(rows_as_user), 3))
test("rows_as_user, autocommit, waits for one", lambda: equal(waits(rows_as_user, True), 1))
print(f"1..{count}")
raise SystemExit(failed)
