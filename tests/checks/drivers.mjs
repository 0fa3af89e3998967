// SPDX-License-Identifier: Apache-2.0
// drivers.sh appends this file to the functions of docs/drivers.md for node-postgres.
import assert from 'node:assert/strict';
import pg from 'pg';

const { ALICE, BOB, FORGED, EXPIRED, POLISH } = process.env;
const NOTES = 'SELECT body FROM note';
const BODY = { alice: [{ body: 'of alice' }], bob: [{ body: 'of bob' }] };

const makePool = (options) => {
    const pool = new pg.Pool({ max: 1, connectionTimeoutMillis: 20000, ...options });
    pool.on('error', () => {});
    return pool;
};
const notes = (client) => client.query(NOTES);

// Each of these runs one query as the user of a token.
const byAsUser = (pool, token, ...query) => asUser(pool, token, (client) => client.query(...query));
const ways = [
    ['asUser', byAsUser, {}],
    ['asUser, pipeline', byAsUser, { pipeline: true }],
    ['queryAsUser, pipeline', queryAsUser, { pipeline: true }],
];

// The warning for a query that waits on a client without pipelining, among others.
const warnings = [];
process.on('warning', ({ message }) => {
    if (/\bclient\b|\bpool\b/i.test(message)) warnings.push(message);
});

let failed = false;
let count = 0;
async function test(name, body) {
    count++;
    try {
        await body();
        console.log(`ok ${count} - ${name}`);
    } catch (error) {
        failed = true;
        console.log(`not ok ${count} - ${name}\n${String(error.stack).replace(/^/gm, '# ')}`);
    }
}

async function isNobodys(pool, pid) {
    const { rows } = await pool.query(
        'SELECT auth.user_id() AS who, (SELECT count(*)::int FROM note) AS seen, pg_backend_pid() AS pid');
    assert.deepEqual(rows, [{ who: null, seen: 0, pid: pid ?? rows[0].pid }]);
    return rows[0].pid;
}

const refusedWith = (code) => (error) => {
    assert.ok(error instanceof TokenRefused, `not refused: ${error}`);
    assert.equal(error.cause.code, code);
    return true;
};
// The driver may report the end of a connection without a SQLSTATE.
const otherError = (code) => (error) => {
    assert.ok(!(error instanceof TokenRefused), `refused: ${error}`);
    if (code !== undefined) assert.equal(error.code, code);
    return true;
};

for (const [about, run, options] of ways) {
    const pool = makePool(options);
    const pid = await isNobodys(pool);
    const usable = async () => {
        await isNobodys(pool, pid);
        assert.deepEqual((await run(pool, BOB, NOTES)).rows, BODY.bob);
        await isNobodys(pool, pid);
    };

    await test(`${about}: users take turns on one connection`, async () => {
        for (let turn = 0; turn < 8; turn++) {
            for (const [user, token] of [['alice', ALICE], ['bob', BOB]]) {
                assert.deepEqual((await run(pool, token, NOTES)).rows, BODY[user]);
                await isNobodys(pool, pid);
            }
        }
    });
    await test(`${about}: users share a named statement`, async () => {
        for (let turn = 0; turn < 8; turn++) {
            for (const [user, token] of [['alice', ALICE], ['bob', BOB]]) {
                assert.deepEqual((await run(pool, token, { name: 'notes', text: NOTES })).rows, BODY[user]);
            }
        }
        const { rows } = await pool.query("SELECT 1 FROM pg_prepared_statements WHERE name = 'notes'");
        assert.equal(rows.length, 1);
    });
    await test(`${about}: users wait for the connection`, async () => {
        const bodies = await Promise.all([ALICE, BOB, ALICE, BOB].map((token) => run(pool, token, NOTES)));
        assert.deepEqual(bodies.map(({ rows }) => rows), [BODY.alice, BODY.bob, BODY.alice, BODY.bob]);
        await isNobodys(pool, pid);
    });
    for (const [what, token, code] of [
        ['a forged token', FORGED, '23514'],
        ['an expired token', EXPIRED, '23514'],
        ['no JWT', 'alice', '42804'],
        ['a token without end', 'x'.repeat(70000), '54000'],
    ]) {
        await test(`${about}: ${what} is refused with ${code}`, async () => {
            await assert.rejects(run(pool, token, NOTES), refusedWith(code));
            await usable();
        });
    }
    await test(`${about}: a constraint of the work is no refused token`, async () => {
        await assert.rejects(run(pool, ALICE, 'INSERT INTO note (body) VALUES ($1)', ['']), otherError('23514'));
        await usable();
    });
    await test(`${about}: without a token the work does not run`, async () => {
        await assert.rejects(run(pool, null, NOTES), otherError('22004'));
        await assert.rejects(run(pool, '', NOTES), otherError('22023'));
        await usable();
    });
    await test(`${about}: a connection that is lost is replaced`, async () => {
        await assert.rejects(run(pool, ALICE, 'SELECT pg_terminate_backend(pg_backend_pid())'), otherError());
        assert.notEqual(await isNobodys(pool), pid);
        assert.deepEqual((await run(pool, BOB, NOTES)).rows, BODY.bob);
    });
    await pool.end();

    await test(`${about}: a server without keys is no refused token`, async () => {
        const keyless = makePool({ ...options, database: 'keyless' });
        await assert.rejects(run(keyless, ALICE, 'SELECT 1'), otherError('55000'));
        await keyless.end();
    });
    await test(`${about}: claims that the database cannot hold are refused with 22P05`, async () => {
        const latin = makePool({ ...options, database: 'latin' });
        await assert.rejects(run(latin, POLISH, 'SELECT 1'), refusedWith('22P05'));
        await latin.end();
    });
}

await test('asUser: the work commits, or rolls back where it fails', async () => {
    const pool = makePool();
    const insert = (client) => client.query("INSERT INTO note (body) VALUES ('more')");
    const pid = await isNobodys(pool);
    const unlucky = new Error('of the work');
    await assert.rejects(
        asUser(pool, ALICE, async (client) => {
            await insert(client);
            throw unlucky;
        }),
        unlucky,
    );
    await isNobodys(pool, pid);
    assert.equal((await asUser(pool, ALICE, notes)).rowCount, 1);
    await asUser(pool, ALICE, insert);
    assert.equal((await asUser(pool, ALICE, notes)).rowCount, 2);
    assert.deepEqual((await asUser(pool, BOB, notes)).rows, BODY.bob);
    await pool.end();
});

await test('asUser: a connection that cannot roll back is not used again', async () => {
    const pool = makePool({ query_timeout: 2000 });
    const pid = await isNobodys(pool);
    await assert.rejects(byAsUser(pool, ALICE, 'SELECT pg_sleep(5)'), /timeout/);
    assert.notEqual(await isNobodys(pool), pid);
    await pool.end();
});

// The number of times that the client waited for the server.
async function trips(options, run) {
    const pool = makePool(options);
    let waits = 0;
    let written = false;
    const client = await pool.connect();
    const { stream } = client.connection;
    const { write } = stream;
    stream.write = function (...data) {
        written = true;
        return write.apply(this, data);
    };
    stream.prependListener('data', () => {
        if (written) waits++;
        written = false;
    });
    client.release();
    await run(pool, ALICE, NOTES);
    await pool.end();
    return waits;
}
await test('asUser waits for four answers', async () => assert.equal(await trips({}, byAsUser), 4));
await test('queryAsUser waits for two', async () => assert.equal(await trips({ pipeline: true }, queryAsUser), 2));

await test('pg gave no warning', async () => assert.deepEqual(warnings, []));

console.log(`1..${count}`);
process.exitCode = failed ? 1 : 0;
