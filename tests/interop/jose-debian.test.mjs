// SPDX-License-Identifier: Apache-2.0
// The peer is the command "jose" (Debian's package of that name).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { file, run } from './sjwt.mjs';
import { interoperate } from './suite.mjs';

function jose(args, input) {
  const { status, stdout, stderr } = run('jose', args, input);
  if (status !== 0)
    throw new Error(`jose ${args.join(' ')}: exit ${status}: ${stderr}`);
  return stdout;
}

const supported = jose(['alg']).toString().split('\n');
const missing = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'ES256K', 'RS256', 'RS384',
  'RS512', 'PS256', 'PS384', 'PS512', 'HS256', 'HS384', 'HS512']
  .filter((alg) => !supported.includes(alg));

test('jose lacks Ed25519 and, before version 12, secp256k1; nothing else', () => {
  const later = ['EdDSA', 'Ed25519'];
  assert.deepEqual(missing, missing.includes('ES256K') ? [...later, 'ES256K'] : later);
});

interoperate({
  name: "Debian's jose",
  lacks: missing,
  generate: (alg) => JSON.parse(jose(['jwk', 'gen', '-i', JSON.stringify({ alg })])),
  publicOf: (jwk) =>
    jwk.kty === 'oct' ? jwk : JSON.parse(jose(['jwk', 'pub', '-i', file(jwk)])),
  sign: (alg, jwk, header, payload) =>
    jose(['jws', 'sig', '-I', '-', '-k', file(jwk), '-c',
      '-s', JSON.stringify({ protected: header })], payload).toString().trimEnd(),
  verify: (alg, keys, token) => jose(['jws', 'ver', '-i', file(token), '-k', file(keys), '-O', '-']),
});
