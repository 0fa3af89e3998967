// SPDX-License-Identifier: Apache-2.0
// run.sh copies this file beside the code that docs/drivers.md and docs/drivers/javascript.md show.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import 'reflect-metadata';
import pg from 'pg';
import postgres from 'postgres';
import { drizzle } from 'drizzle-orm/node-postgres';
import { sql as drizzleSql } from 'drizzle-orm';
import { Kysely, PostgresDialect, sql as kyselySql } from 'kysely';
import { DataSource } from 'typeorm';
import { Sequelize } from 'sequelize';
import { PrismaPg } from '@prisma/adapter-pg';
import prismaClient from './generated/index.js';

const { ALICE, BOB, FORGED, EXPIRED, SESSION_JWK, PGPORT, POOL_PORT } = process.env;
const NOTES = 'SELECT body FROM note ORDER BY id';
const WHO = 'SELECT auth.user_id() AS who, (SELECT count(*)::int FROM note) AS seen, pg_backend_pid() AS pid';
const INSERT = 'INSERT INTO note (body) VALUES ($1)';
const url = (database) => `postgresql://app@127.0.0.1:${POOL_PORT}/${database}`;

// A driver: open a pool of DATABASE, run a statement in what its asUser hands out or outside, close.
const viaPg = (make, run) => ({
    open(database) {
        const pool = new pg.Pool({ connectionString: url(database), max: 2 });
        return { db: make(pool), end: () => pool.end() };
    },
    run,
});
// For builders that number the parameters themselves.
const inParts = (sql, text, values) => text.split(/\$\d/)
    .flatMap((part, i) => [sql.raw(part), ...(i < values.length ? [sql`${values[i]}`] : [])]);
const drivers = {
    'node-postgres': viaPg((pool) => pool, async (db, text, ...values) => (await db.query(text, values)).rows),
    'postgres.js': {
        open(database) {
            const sql = postgres(url(database), { prepare: false, max: 2, onnotice: () => {} });
            return { db: sql, end: () => sql.end() };
        },
        run: (sql, text, ...values) => sql.unsafe(text, values),
    },
    Prisma: {
        open(database) {
            const adapter = new PrismaPg({ connectionString: url(database), max: 2 });
            const db = new prismaClient.PrismaClient({ adapter });
            return { db, end: () => db.$disconnect() };
        },
        run: (db, text, ...values) => db.$queryRawUnsafe(text, ...values),
    },
    Drizzle: viaPg(drizzle, async (db, text, ...values) => {
        return (await db.execute(drizzleSql.join(inParts(drizzleSql, text, values)))).rows;
    }),
    Kysely: viaPg((pool) => new Kysely({ dialect: new PostgresDialect({ pool }) }), async (db, text, ...values) => {
        return (await kyselySql.join(inParts(kyselySql, text, values), kyselySql``).execute(db)).rows;
    }),
    TypeORM: {
        async open(database) {
            const db = await new DataSource({ type: 'postgres', url: url(database), poolSize: 2 }).initialize();
            return { db, end: () => db.destroy() };
        },
        run: (db, text, ...values) => db.query(text, values),
    },
};

let failed = false;
let count = 0;
async function test(name, body) {
    count++;
    try {
        await body();
        console.log(`ok ${count} - ${name}`);
    } catch (error) {
        failed = true;
        console.log(`not ok ${count} - ${name}\n${inspect(error).replace(/^/gm, '# ')}`);
    }
}

// What an application can log of an error, in any usual way.
function hasNoToken(error) {
    const shown = inspect(error, { depth: 10, showHidden: true });
    const text = [String(error), error.stack, shown, JSON.stringify(error)].join();
    for (const token of [ALICE, BOB, FORGED, EXPIRED]) {
        for (const part of token.split('.').slice(1)) assert.ok(!text.includes(part), `a token is in: ${text}`);
    }
}
const refusedWith = (TokenRefused, sqlstate) => (error) => {
    assert.ok(error instanceof TokenRefused, `not refused: ${inspect(error)}`);
    assert.equal(error.code ?? error.cause.code, sqlstate);
    hasNoToken(error);
    return true;
};
const otherError = (TokenRefused, text) => (error) => {
    assert.ok(!(error instanceof TokenRefused), `refused: ${inspect(error)}`);
    assert.match(inspect(error), text);
    hasNoToken(error);
    return true;
};

for (const [name, { open, run }] of Object.entries(drivers)) {
    const { asUser, TokenRefused } = await import(`./shown/${name}.mjs`);
    const { db, end } = await open('app');
    const notes = (token) => asUser(db, token, async (tx) => (await run(tx, NOTES)).map(({ body }) => body));
    let server;
    const isNobodys = async () => {
        const [{ who, seen, pid }] = await run(db, WHO);
        server ??= pid;
        assert.deepEqual([who, seen, pid], [null, 0, server]);
    };
    const usable = async () => {
        await isNobodys();
        assert.deepEqual(await notes(BOB), ['of bob']);
        await isNobodys();
    };

    await test(`${name}: users take turns on one connection`, async () => {
        for (let turn = 0; turn < 8; turn++) {
            assert.deepEqual(await notes(ALICE), ['of alice']);
            await isNobodys();
            assert.deepEqual(await notes(BOB), ['of bob']);
            await isNobodys();
        }
    });
    await test(`${name}: users wait for the connection`, async () => {
        const bodies = await Promise.all([ALICE, BOB, ALICE, BOB].map(notes));
        assert.deepEqual(bodies.flat(), ['of alice', 'of bob', 'of alice', 'of bob']);
        await isNobodys();
    });
    for (const [what, token, sqlstate] of [
        ['an expired token', EXPIRED, '23514'],
        ['a forged token', FORGED, '23514'],
        ['no JWT', 'alice', '42804'],
    ]) {
        await test(`${name}: ${what} is refused, and its text is in no error`, async () => {
            await assert.rejects(notes(token), refusedWith(TokenRefused, sqlstate));
            await usable();
        });
    }
    await test(`${name}: a constraint of the work is no refused token`, async () => {
        const violate = (tx) => run(tx, INSERT, '');
        await assert.rejects(asUser(db, ALICE, violate), otherError(TokenRefused, /note_body_check/));
        await usable();
    });
    await test(`${name}: what fails leaves no row`, async () => {
        const unlucky = new Error('of the work');
        await assert.rejects(asUser(db, ALICE, async (tx) => {
            await run(tx, INSERT, 'more');
            throw unlucky;
        }), unlucky);
        assert.deepEqual(await notes(ALICE), ['of alice']);
    });
    await end();

    await test(`${name}: a server without keys is no refused token`, async () => {
        const keyless = await open('keyless');
        await assert.rejects(asUser(keyless.db, ALICE, () => {}), otherError(TokenRefused, /55000/));
        await keyless.end();
    });
}

// What the table of docs/drivers.md says of startup parameters.
const direct = `postgresql://app@127.0.0.1:${PGPORT}/session_key`;
const initialized = (rows) => assert.equal(rows.length, 1);
await test('node-postgres: the session\'s key in options', async () => {
    const escaped = SESSION_JWK.replace(/[\\ ]/g, '\\$&');
    const client = new pg.Client({ connectionString: direct, options: `-c pg_session_jwt.jwk=${escaped}` });
    await client.connect();
    initialized((await client.query('SELECT auth.init()')).rows);
    await client.end();
});
await test('postgres.js: the session\'s key in connection', async () => {
    const sql = postgres(direct, { connection: { 'pg_session_jwt.jwk': SESSION_JWK } });
    initialized(await sql`SELECT auth.init()`);
    await sql.end();
});

// What the page says of errors that this code does not pass on.
const leaks = (text) => assert.ok(text.includes(EXPIRED), 'no token in it');
const STATEMENT = 'SELECT auth.jwt_authenticate($1)';
async function errorOf(name, run) {
    const { db, end } = await drivers[name].open('app');
    const error = await run(db).then(() => assert.fail('no error'), (error) => error);
    await end();
    return error;
}
await test('Drizzle: its own error has the token in its message', async () => {
    leaks((await errorOf('Drizzle', (db) => db.execute(drizzleSql`SELECT auth.jwt_authenticate(${EXPIRED})`))).message);
});
await test('TypeORM: its own error has the token where console.log shows it', async () => {
    const error = await errorOf('TypeORM', (db) => db.query(STATEMENT, [EXPIRED]));
    assert.ok(!error.message.includes(EXPIRED));
    leaks(inspect(error));
});
await test('postgres.js: its error shows the token with debug alone', async () => {
    const error = await errorOf('postgres.js', (sql) => sql.unsafe(STATEMENT, [EXPIRED]));
    assert.ok(!inspect(error).includes(EXPIRED));
    const sql = postgres(url('app'), { prepare: false, debug: () => {}, onnotice: () => {} });
    leaks(inspect(await sql.unsafe(STATEMENT, [EXPIRED]).catch((e) => e)));
    await sql.end();
});
for (const name of ['node-postgres', 'Kysely', 'Prisma']) {
    await test(`${name}: its own error has no token`, async () => {
        hasNoToken(await errorOf(name, (db) => drivers[name].run(db, STATEMENT, EXPIRED)));
    });
}
await test('Prisma: $queryRaw cannot read void, $executeRaw can', async () => {
    const { db, end } = await drivers.Prisma.open('app');
    const rolledBack = new Error();
    const initBy = (method) => db.$transaction(async (tx) => {
        assert.equal(await tx[method]`SELECT auth.jwt_session_init(${ALICE})`, 1);
        throw rolledBack;
    });
    const isVoid = ({ message }) => /column of type 'void'/.test(message) || assert.fail(message);
    await assert.rejects(initBy('$queryRaw'), isVoid);
    await assert.rejects(initBy('$executeRaw'), rolledBack);
    await end();
});
await test('Prisma: an event of a query has the token', async () => {
    const db = new prismaClient.PrismaClient({
        adapter: new PrismaPg({ connectionString: url('app') }),
        log: [{ emit: 'event', level: 'query' }],
    });
    const events = [];
    db.$on('query', (event) => events.push(event));
    await db.$executeRaw`SELECT auth.jwt_authenticate(${ALICE})`;
    await db.$disconnect();
    assert.ok(events.some(({ params, query }) => params.includes(ALICE) && !query.includes(ALICE)), inspect(events));
});
await test('Sequelize: replacements are in the text of the statement, bind parameters in its error', async () => {
    const texts = [];
    const db = new Sequelize(url('app'), { logging: (text) => texts.push(text) });
    const error = (options) => db.query('SELECT auth.jwt_authenticate(' + ('bind' in options ? '$1)' : '?)'), options)
        .then(() => assert.fail('no error'), (e) => e);
    // Not a token of this test, because the server logs the text of statements.
    const [replaced, bound] = [await error({ replacements: ['made.up.value'] }), await error({ bind: [EXPIRED] })];
    await db.close();
    assert.match(texts[0], /made\.up\.value/);
    assert.ok(!texts[1].includes(EXPIRED));
    assert.match(inspect(replaced), /made\.up\.value/);
    leaks(inspect(bound));
    assert.ok(!bound.message.includes(EXPIRED));
    assert.deepEqual([replaced.original.code, bound.original.code], ['42804', '23514']);
});
await test('Kysely: its own log has the token', async () => {
    const events = [];
    const pool = new pg.Pool({ connectionString: url('app') });
    const db = new Kysely({ dialect: new PostgresDialect({ pool }), log: (event) => events.push(event) });
    await kyselySql`SELECT auth.jwt_authenticate(${EXPIRED})`.execute(db).catch(() => {});
    await db.destroy();
    assert.ok(events.some(({ query }) => query.parameters.includes(EXPIRED) && !query.sql.includes(EXPIRED)));
});
await test('TypeORM: its logger gets the token', async () => {
    const lines = [];
    const methods = ['logQuery', 'logQueryError', 'logQuerySlow', 'logSchemaBuild', 'logMigration', 'log'];
    const logger = Object.fromEntries(methods
        .map((name) => [name, (...all) => lines.push(inspect(all, { depth: 1 }))]));
    const db = await new DataSource({ type: 'postgres', url: url('app'), logging: true, logger }).initialize();
    await db.query(STATEMENT, [EXPIRED]).catch(() => {});
    await db.destroy();
    assert.ok(lines.some((line) => line.includes(EXPIRED)));
});

console.log(`1..${count}`);
// Not later: a test that failed may have left a connection open.
process.exit(failed ? 1 : 0);
