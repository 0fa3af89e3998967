// SPDX-License-Identifier: Apache-2.0
// Every token of every issuer, checked by sjwt and by another implementation
// (jose), before and after its keys changed. Run where setup.sh installed.
//   SJWT  path of the tool sjwt
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Browser } from './issuer.mjs';

const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const LIMIT = { timeout: 60_000 };
let out;
const { SJWT } = process.env;
assert.ok(SJWT, 'SJWT is set');

before(async () => {
    out = await mkdtemp(join(tmpdir(), 'issuers-'));
});
after(() => rm(out, { recursive: true }));

// Runs an issuer through the commands; resolves to its rounds, each
// { jwks, file, tokens: [{ name, user, token, expected }] }.
async function rounds(script, args, commands) {
    const top = await mkdtemp(join(out, 'run-'));
    const child = spawn(process.execPath, [join(here, script), top, ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const pending = [...commands];
    const served = [];
    for await (const line of createInterface({ input: child.stdout })) {
        const [, round, uri] = /^ready (\d+) (http:\/\/127\.0\.0\.1:\d+\/\S+)$/.exec(line);
        assert.equal(Number(round), served.length);
        served.push(await new Browser().json(uri));
        if (pending.length > 0) child.stdin.write(`${pending.shift()}\n`);
        else child.stdin.end();
    }
    assert.equal(await ended, 0);
    assert.equal(served.length, commands.length + 1);

    const result = [];
    for (const round of (await readdir(top)).sort()) {
        const jwks = JSON.parse(await readFile(join(top, round, 'jwks.json'), 'utf8'));
        assert.deepEqual(jwks, served[result.length], 'the file holds what is served');
        const tokens = [];
        for (const name of await readdir(join(top, round))) {
            if (name === 'jwks.json') continue;
            for (const user of await readdir(join(top, round, name))) {
                const read = (file) => readFile(join(top, round, name, user, file), 'utf8');
                tokens.push({
                    name,
                    user,
                    token: await read('token.jwt'),
                    expected: JSON.parse(await read('expected.json')),
                });
            }
        }
        result.push({ jwks, file: join(top, round, 'jwks.json'), tokens });
    }
    return result;
}

function sjwt(file, { token, expected }) {
    const { iss, aud, alg, typ } = expected;
    const { status, stdout, stderr } = spawnSync(
        SJWT,
        [
            ...['verify', '--keys', file, '--iss', iss, '--aud', aud, '--alg', alg],
            ...['--require', 'exp,iat', ...(typ ? ['--typ', typ] : []), token],
        ],
        { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
}

async function accepts({ jwks, file }, entry) {
    const { token, expected } = entry;
    const { iss, aud, sub, alg, kid, typ, email } = expected;
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), {
        issuer: iss,
        audience: aud,
        subject: sub,
        algorithms: [alg],
        requiredClaims: ['exp', 'iat'],
        ...(typ ? { typ } : {}),
    });
    if (kid) assert.equal(protectedHeader.kid, kid);
    if (email) assert.equal(payload.email, email);

    const { status, stdout, stderr } = sjwt(file, entry);
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), payload);
}

// A key that is no longer published is no longer trusted.
async function refuses({ jwks, file }, entry) {
    await assert.rejects(
        jwtVerify(entry.token, createLocalJWKSet(jwks)),
        errors.JWKSNoMatchingKey,
    );
    assert.match(sjwt(file, entry).stderr, /no key for this token/);
}

function hasCases(round, names) {
    const found = round.tokens.map(({ name, user }) => `${name} ${user}`).sort();
    const wanted = names.flatMap((name) => [`${name} alice`, `${name} bob`]).sort();
    assert.deepEqual(found, wanted);
    const subjects = new Set(round.tokens.map(({ expected }) => expected.sub));
    assert.equal(subjects.size, 2);
}

const oidcCases = ['RS256', 'ES256', 'PS256', 'EdDSA'].flatMap((alg) => [
    `id-${alg}`,
    `access-${alg}`,
]);

for (const [script, cases] of [
    ['better-auth.mjs', ['session']],
    ['oidc-provider.mjs', oidcCases],
]) {
    test(`${script}: tokens, rotation, retirement`, LIMIT, async () => {
        const [first, rotated, retired] = await rounds(script, [], ['rotate', 'retire']);
        for (const round of [first, rotated, retired]) {
            hasCases(round, cases);
            for (const entry of round.tokens) await accepts(round, entry);
        }
        for (const entry of first.tokens) {
            await accepts(rotated, entry);
            await refuses(retired, entry);
        }
        for (const entry of rotated.tokens) {
            await refuses(first, entry);
            await accepts(retired, entry);
        }
    });
}

test('better-auth.mjs 1.2: neither "alg" nor "use" in the key set', LIMIT, async () => {
    const [first, retired] = await rounds('better-auth.mjs', ['1.2'], ['retire']);
    for (const round of [first, retired]) {
        hasCases(round, ['session']);
        assert.equal(round.jwks.keys.length, 1);
        assert.deepEqual(Object.keys(round.jwks.keys[0]).sort(), ['crv', 'kid', 'kty', 'x']);
        for (const entry of round.tokens) await accepts(round, entry);
    }
    for (const entry of first.tokens) await refuses(retired, entry);
});

test('the current Better Auth names "alg" but not "use"', LIMIT, async () => {
    const [{ jwks }] = await rounds('better-auth.mjs', [], []);
    assert.deepEqual(Object.keys(jwks.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'x']);
});

test('an unknown command ends the issuer with an error', LIMIT, async () => {
    const child = spawn(process.execPath, [join(here, 'better-auth.mjs'), join(out, 'unknown')], {
        stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.end('shout\n');
    let text = '';
    for await (const chunk of child.stderr) text += chunk;
    assert.match(text, /no such command: shout/);
});

test('an issuer ends when its time is over', LIMIT, async () => {
    const child = spawn(process.execPath, [join(here, 'better-auth.mjs'), join(out, 'late')], {
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { ...process.env, ISSUER_TIME_LIMIT: '2' },
    });
    const started = Date.now();
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 3);
    assert.ok(Date.now() - started < 20_000);
});
