// SPDX-License-Identifier: Apache-2.0
// sjwt signs the tokens of tests/vectors/providers. sjwt and another implementation (jose)
// verify them with the settings beside them.
//   SJWT       path of the tool sjwt
//   PROVIDERS  path of tests/vectors/providers
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import './issuer.mjs';

const { createLocalJWKSet, decodeJwt, errors, importJWK, jwtVerify } = await import('jose');
const { SJWT, PROVIDERS } = process.env;
assert.ok(SJWT && PROVIDERS, 'SJWT and PROVIDERS are set');
const YEAR = 365 * 86400;

const providers = readdirSync(PROVIDERS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
const text = (name, file) => readFileSync(join(PROVIDERS, name, file), 'utf8');
const json = (name, file) => JSON.parse(text(name, file));

function settings(name) {
    const pattern = /^ALTER DATABASE app SET pg_session_jwt\.(\w+) = '([^']*)';$/;
    return Object.fromEntries(
        text(name, 'settings.sql')
            .trim()
            .split('\n')
            .map((line) => {
                assert.match(line, pattern);
                return pattern.exec(line).slice(1);
            }),
    );
}

function run(command, args) {
    const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    assert.equal(error, undefined);
    return { status, stdout, stderr };
}

function sign(name, ...now) {
    const { status, stdout, stderr } = run(join(PROVIDERS, 'sign.sh'), [name, ...now]);
    assert.equal(status, 0, stderr);
    return stdout.trim();
}

function sjwt(name, token, changes = {}) {
    const { issuer, audience, algorithms, required_claims: required, claims } = {
        ...settings(name),
        ...changes,
    };
    return run(SJWT, [
        ...['verify', '--keys', join(PROVIDERS, name, 'jwks.json')],
        ...['--iss', issuer, '--alg', algorithms],
        ...(audience ? ['--aud', audience] : []),
        ...['--require', (required ?? 'exp').replaceAll(' ', '')],
        ...(claims ? ['--claim-values', claims] : []),
        token,
    ]);
}

async function jose(name, token, changes = {}) {
    const { issuer, audience, algorithms } = { ...settings(name), ...changes };
    const jwks = json(name, 'jwks.json');
    const keys =
        algorithms === 'HS256' ? await importJWK(jwks.keys[0]) : createLocalJWKSet(jwks);
    return jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [algorithms],
        requiredClaims: ['exp'],
        clockTolerance: 60,
    });
}

for (const name of providers) {
    test(`${name}: accepted as its settings are`, async () => {
        const token = sign(name);
        const verdict = sjwt(name, token);
        assert.equal(verdict.status, 0, verdict.stderr);
        const { payload, protectedHeader } = await jose(name, token);
        assert.deepEqual(JSON.parse(verdict.stdout), payload);
        assert.deepEqual(protectedHeader, json(name, 'header.json'));
        assert.equal(
            Buffer.from(token.split('.')[0], 'base64url').toString(),
            text(name, 'header.json').trim(),
        );

        // The claims are those of the file, with times in place of "now+N".
        const now = payload.iat;
        assert.ok(Math.abs(now - Date.now() / 1000) < 60);
        const wanted = JSON.parse(text(name, 'claims.json'), (key, value) => {
            const time = /^now([+-]\d+)$/.exec(value);
            return time ? now + Number(time[1]) : value;
        });
        assert.deepEqual(payload, wanted);
    });

    test(`${name}: refused when anything is different`, async () => {
        const token = sign(name);
        const old = sign(name, String(Math.floor(Date.now() / 1000) - YEAR));
        const other = sign(name === 'okta' ? 'auth0' : 'okta');

        assert.match(sjwt(name, old).stderr, /token has expired/);
        await assert.rejects(jose(name, old), errors.JWTExpired);

        const issuer = `${settings(name).issuer}x`;
        assert.match(sjwt(name, token, { issuer }).stderr, /issuer is not trusted/);
        await assert.rejects(jose(name, token, { issuer }), errors.JWTClaimValidationFailed);

        const audience = 'somebody-else';
        const reason = settings(name).audience
            ? /token is not for this audience/
            : /token names no audience: claim 'aud' is missing/;
        assert.match(sjwt(name, token, { audience }).stderr, reason);
        await assert.rejects(jose(name, token, { audience }), errors.JWTClaimValidationFailed);

        const claims = settings(name).claims?.replaceAll(/: "[^"]*"/g, ': "another"');
        if (claims) {
            assert.match(sjwt(name, token, { claims }).stderr, /a claim has a value that is not accepted/);
        }

        assert.equal(sjwt(name, other).status, 1);
        await assert.rejects(jose(name, other));
    });

    test(`${name}: its files agree`, () => {
        const claims = decodeJwt(sign(name));
        const { issuer, audience, jwks_file: file } = settings(name);
        assert.equal(claims.iss, issuer);
        assert.match(file, /^jwks\/[a-z0-9-]+\.json$/);
        // A provider without an audience setting has tokens without an audience.
        assert.equal(audience === undefined, claims.aud === undefined);

        const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi', ...(name === 'supabase-legacy' ? [] : ['k'])];
        for (const key of json(name, 'jwks.json').keys) {
            assert.deepEqual(secret.filter((member) => member in key), []);
        }
        assert.match(json(name, 'key.jwk').comment, /test key/);

        // The expected results of the functions, computed from the claims.
        for (const [call, value] of Object.entries(json(name, 'expected.json'))) {
            const path = /^auth\.claim\(('[^']+'(?:, '[^']+')*)\)$/.exec(call)?.[1];
            if (path) {
                const found = path
                    .split(', ')
                    .reduce((object, step) => object?.[step.slice(1, -1)], claims);
                assert.equal(found === null ? null : String(found), value, call);
            }
        }
        const expected = json(name, 'expected.json');
        for (const claim of ['email', 'role']) {
            const value = expected[`auth.${claim}()`];
            if (value !== undefined) assert.equal(value, claims[claim] ?? null);
        }
        assert.equal(expected['auth.user_id()'], claims.sub);
        const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
        assert.equal(expected['auth.uid()'], uuid.test(claims.sub) ? claims.sub : null);
    });
}

test('every provider is there', () => {
    assert.deepEqual(providers.sort(), [
        ...['auth0', 'better-auth', 'clerk', 'cognito-access', 'cognito-id', 'entra-id', 'firebase'],
        ...['keycloak', 'okta', 'stack-auth', 'supabase', 'supabase-legacy', 'workos'],
    ]);
});
