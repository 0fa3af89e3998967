// SPDX-License-Identifier: Apache-2.0
// Prints one line for each algorithm that this build verifies: its name, a JWK for
// pg_session_jwt.jwk and a token signed by npm's jose, separated by tabs.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { backends } from './sjwt.mjs';

const jose = createRequire(join(process.env.INTEROP_MODULES, 'package.json'))('jose');

for (const [alg, { verifies }] of backends()) {
  if (verifies === '-')
    continue;
  const isSecret = alg.startsWith('HS');
  const made = isSecret
    ? await jose.generateSecret(alg, { extractable: true })
    : await jose.generateKeyPair(alg, { extractable: true });
  const token = await new jose.SignJWT({ sub: `user of ${alg}`, jti: 1 })
    .setProtectedHeader({ alg }).setIssuedAt().setExpirationTime('5m')
    .sign(isSecret ? made : made.privateKey);
  const jwk = await jose.exportJWK(isSecret ? made : made.publicKey);
  console.log([alg, JSON.stringify(jwk), token].join('\t'));
}
