// SPDX-License-Identifier: Apache-2.0
// The peer is npm's package "jose"; INTEROP_MODULES is the folder that setup.sh
// installed it in.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { backends, file, sjwt, sjwtPrints } from './sjwt.mjs';
import { interoperate } from './suite.mjs';

assert.ok(process.env.INTEROP_MODULES, 'INTEROP_MODULES is a folder');
const jose = createRequire(join(process.env.INTEROP_MODULES, 'package.json'))('jose');

const isSecret = (alg) => alg.startsWith('HS');
const publicMembers = ({ d, p, q, dp, dq, qi, ...rest }) => rest;

async function generate(alg) {
  const key = isSecret(alg)
    ? await jose.generateSecret(alg, { extractable: true })
    : (await jose.generateKeyPair(alg, { extractable: true })).privateKey;
  return { ...(await jose.exportJWK(key)), kid: `theirs-${alg}` };
}

// Through the library, so that its own import checks the key.
async function publicOf(jwk) {
  if (jwk.kty === 'oct')
    return jwk;
  const alg = { OKP: 'EdDSA', RSA: 'RS256' }[jwk.kty];
  const half = await jose.exportJWK(await jose.importJWK(publicMembers(jwk), alg ?? jwk.alg ??
    { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', secp256k1: 'ES256K' }[jwk.crv]));
  return jwk.kid === undefined ? half : { ...half, kid: jwk.kid };
}

async function verify(alg, keys, token) {
  const key = keys.keys !== undefined && !isSecret(alg)
    ? jose.createLocalJWKSet(keys)
    : await jose.importJWK(
      keys.keys?.find(({ kid }) => kid === jose.decodeProtectedHeader(token).kid) ?? keys, alg);
  return Buffer.from((await jose.compactVerify(token, key, { algorithms: [alg] })).payload);
}

interoperate({
  name: "npm's jose",
  lacks: [],
  generate,
  publicOf,
  sign: async (alg, jwk, header, payload) =>
    new jose.CompactSign(payload).setProtectedHeader(header)
      .sign(await jose.importJWK(jwk, alg)),
  verify,
});

// Claims, which Debian's jose does not check.
const alg = backends().get('EdDSA').verifies !== '-' ? 'EdDSA' : 'ES256';
const [issuer, audience] = ['https://issuer.example', 'https://api.example'];
const now = 1700000000;
const claims = { iss: issuer, aud: ['x', audience], iat: now, nbf: now, exp: now + 300 };
const expectation = (at) =>
  ({ issuer, audience, typ: 'JWT', clockTolerance: 60, currentDate: new Date(at * 1000) });
// Time, result of sjwt, result of jose. The extension and the tool accept a token in the
// second of exp plus leeway itself.
const times = [
  [now - 61, false, false], [now - 60, true, true], [now, true, true],
  [now + 359, true, true], [now + 360, true, false], [now + 361, false, false],
];

function ourVerdict(keys, token, at, ...more) {
  const { status } = sjwt(['verify', '--keys', file(keys), '--iss', issuer, '--aud', audience,
    '--typ', 'JWT', '--now', `${at}`, ...more], token);
  assert.ok(status === 0 || status === 1);
  return status === 0;
}

async function theirVerdict(keys, token, options) {
  try {
    await jose.jwtVerify(token, await jose.importJWK(keys, alg), options);
    return true;
  } catch (error) {
    assert.ok(error instanceof jose.errors.JOSEError);
    return false;
  }
}

async function agreeOnTimes(keys, token) {
  for (const [at, ours, theirs] of times) {
    assert.equal(ourVerdict(keys, token, at), ours, `ours ${at - now} s after nbf`);
    assert.equal(await theirVerdict(keys, token, expectation(at)), theirs,
      `theirs ${at - now} s after nbf`);
  }
}

test(`claims of theirs: issuer, audience, typ, times`, async () => {
  const key = await generate(alg);
  const keys = await publicOf(key);
  const token = await new jose.SignJWT(claims)
    .setProtectedHeader({ alg, typ: 'JWT' }).sign(await jose.importJWK(key, alg));
  await agreeOnTimes(keys, token);
  assert.equal(ourVerdict(keys, token, now, '--require', 'iat,exp'), true);
  assert.equal(ourVerdict(keys, token, now, '--require', 'iat,jti'), false);
});

test(`claims of ours: issuer, audience, typ, times`, async () => {
  const key = JSON.parse(sjwtPrints(['keygen', '--alg', alg]));
  const keys = JSON.parse(sjwtPrints(['public', '--key', file(key)]));
  const token = sjwtPrints(['sign', '--key', file(key), '--typ', 'JWT', '--claims',
    JSON.stringify(claims)]).toString().trimEnd();
  await agreeOnTimes(keys, token);
  for (const other of [{ issuer: 'https://other.example' }, { audience: 'y' }, { typ: 'at+jwt' }])
    assert.equal(await theirVerdict(keys, token, { ...expectation(now), ...other }), false);
  for (const [option, value] of [['--iss', 'https://other.example'], ['--aud', 'y'],
    ['--typ', 'at+jwt']]) {
    const { status } = sjwt(['verify', '--keys', file(keys), '--now', `${now}`, option, value],
      token);
    assert.equal(status, 1, option);
  }
});
