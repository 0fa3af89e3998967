// SPDX-License-Identifier: Apache-2.0
// Better Auth with its JWT plug-in: sign-up, sign-in and /token over HTTP.
//   node better-auth.mjs OUTPUT_DIRECTORY [1.2]
// With 1.2 an earlier version runs, whose key set has neither "alg" nor "use".
import { randomBytes } from 'node:crypto';
import { Browser, run } from './issuer.mjs';

const GRACE_SECONDS = 3600;

const name = process.argv[3] === '1.2' ? 'better-auth-1.2' : 'better-auth';
const { betterAuth } = await import(name);
const { jwt } = await import(`${name}/plugins/jwt`);
const { memoryAdapter } = await import(`${name}/adapters/memory`);
const { toNodeHandler } = await import(`${name}/node`);

// Version 1.2 has no key rotation: it signs with the newest row of its table "jwks" and
// publishes every row. To change its keys, the test deletes rows.
const rotating = name === 'better-auth';

await run(async (base, server) => {
    const db = { user: [], session: [], account: [], verification: [], jwks: [] };
    const auth = betterAuth({
        baseURL: base,
        secret: randomBytes(32).toString('base64'),
        database: memoryAdapter(db),
        emailAndPassword: { enabled: true },
        rateLimit: { enabled: false },
        telemetry: { enabled: false },
        logger: { level: 'error' },
        plugins: [
            jwt(
                rotating
                    ? { jwks: { rotationInterval: GRACE_SECONDS, gracePeriod: GRACE_SECONDS } }
                    : {},
            ),
        ],
    });
    server.on('request', toNodeHandler(auth));

    const post = (browser, path, body) =>
        browser.json(`${base}/api/auth${path}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', origin: base },
            body: JSON.stringify(body),
        });
    const users = [];
    for (const name of ['alice', 'bob']) {
        const email = `${name}@example.com`;
        const password = randomBytes(16).toString('hex');
        const { user } = await post(new Browser(), '/sign-up/email', { name, email, password });
        users.push({ name, email, password, id: user.id });
    }

    const jwksUri = `${base}/api/auth/jwks`;
    const secondsAgo = (seconds) => new Date(Date.now() - seconds * 1000);
    return {
        jwksUri,
        async round() {
            const tokens = [];
            for (const { name, email, password, id } of users) {
                const browser = new Browser();
                await post(browser, '/sign-in/email', { email, password });
                const { token } = await browser.json(`${base}/api/auth/token`);
                const expected = { iss: base, sub: id, aud: base, alg: 'EdDSA', email };
                tokens.push({ name: 'session', user: name, token, expected });
            }
            const { text } = await new Browser().request(jwksUri);
            return { jwks: text, tokens };
        },
        commands: rotating
            ? {
                  // The key has expired: a new key signs, and this one stays published.
                  rotate() {
                      for (const row of db.jwks) {
                          if (row.expiresAt > new Date()) row.expiresAt = secondsAgo(1);
                      }
                  },
                  // Its grace period has ended: it is no longer published.
                  retire() {
                      for (const row of db.jwks) {
                          if (row.expiresAt < new Date()) {
                              row.expiresAt = secondsAgo(GRACE_SECONDS + 1);
                          }
                      }
                  },
              }
            : {
                  retire() {
                      db.jwks.length = 0;
                  },
              },
    };
});
