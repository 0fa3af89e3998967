// SPDX-License-Identifier: Apache-2.0
// Every algorithm in both directions between sjwt and a peer, an independent
// implementation. If a peer or this build does not support an algorithm, the suite
// asserts that.
//
// A peer is { name, lacks, generate(alg), publicOf(jwk), sign(alg, jwk, header,
// payload), verify(alg, jwk or set, token) }: JWKs are objects, payloads octets;
// each may return a promise, and throws if the peer refuses. lacks is the list of the
// algorithms below that the peer does not support.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backends, file, sjwt, sjwtPrints } from './sjwt.mjs';

// "Ed25519" is the second name of EdDSA's entry (RFC 9864).
const algorithms = [
  'EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'ES256K', 'RS256', 'RS384', 'RS512',
  'PS256', 'PS384', 'PS512', 'HS256', 'HS384', 'HS512',
];
const build = backends();
const inBuild = (alg) => build.get(alg === 'Ed25519' ? 'EdDSA' : alg).verifies !== '-';
const isSecret = (alg) => alg.startsWith('HS');

const claims = '{"iss":"https://issuer.example","sub":"J\u00f6rg \u{1F511}","n":9007199254740993}';

const generate = (alg) =>
  JSON.parse(sjwtPrints(['keygen', '--alg', alg, '--kid', `ours-${alg}`]));
const publicOf = (alg, jwk) =>
  isSecret(alg) ? jwk : JSON.parse(sjwtPrints(['public', '--key', file(jwk)]));
const sign = (alg, jwk, payload) =>
  sjwtPrints(['sign', '--key', file(jwk), '--alg', alg, '--raw-payload', '-'], payload)
    .toString().trimEnd();
// The algorithm of a shared secret must be named; other algorithms need not be.
const verifyArguments = (alg, keys) =>
  ['verify', '--jws', '--keys', file(keys), ...(isSecret(alg) ? ['--alg', alg] : [])];
const verify = (alg, keys, token) => sjwtPrints(verifyArguments(alg, keys), token);

function assertRefused(alg, keys, token, what) {
  const { status, stdout, stderr } = sjwt(verifyArguments(alg, keys), token);
  assert.equal(status, 1, `sjwt refuses ${what}`);
  assert.equal(stdout.length, 0, `sjwt prints nothing of ${what}`);
  assert.match(stderr, /^sjwt: refused: [^\n]+\n$/);
}

const material = ({ kty, crv, x, y, n, e }) => ({ kty, crv, x, y, n, e });
const header = (alg, jwk) => ({ alg, ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) });

async function refusesAll(peer, alg, keys, token) {
  const [head, payload, signature] = token.split('.');
  const octets = Buffer.from(signature, 'base64url');
  const flipped = (at) => {
    const copy = Buffer.from(octets);
    copy[at] ^= 1;
    return copy.toString('base64url');
  };
  const otherHead = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(head, 'base64url')), typ: 'other' }));
  const forgeries = {
    'another header': [otherHead.toString('base64url'), payload, signature],
    'another payload': [head, Buffer.from('{"sub":"admin"}').toString('base64url'), signature],
    'an empty payload': [head, '', signature],
    'the first octet of the signature': [head, payload, flipped(0)],
    'the middle octet of the signature': [head, payload, flipped(octets.length >> 1)],
    'the last octet of the signature': [head, payload, flipped(octets.length - 1)],
    // Not the first octet: if it is zero, a lenient peer reads the same number.
    'a signature one octet short': [head, payload, octets.subarray(0, -1).toString('base64url')],
    'a signature one octet long':
      [head, payload, Buffer.concat([octets, Buffer.alloc(1)]).toString('base64url')],
    'a signature of zeros': [head, payload, Buffer.alloc(octets.length).toString('base64url')],
    'no signature': [head, payload, ''],
  };
  for (const [what, parts] of Object.entries(forgeries)) {
    assertRefused(alg, keys, parts.join('.'), what);
    await assert.rejects(async () => peer.verify(alg, keys, parts.join('.')), undefined,
      `${peer.name} refuses ${what}`);
  }
}

function testBothWays(peer, alg) {
  const payload = Buffer.from(claims);

  test(`${alg}: a key of theirs`, async () => {
    const key = await peer.generate(alg);
    const theirs = await peer.publicOf(key);
    assert.deepEqual(material(publicOf(alg, key)), material(theirs), 'the same public half');

    const signed = await peer.sign(alg, key, header(alg, key), payload);
    assert.deepEqual(verify(alg, theirs, signed), payload, 'they sign, we verify');
    assert.deepEqual(await peer.verify(alg, theirs, sign(alg, key, payload)), payload,
      'we sign with their key, they verify');
    await refusesAll(peer, alg, theirs, signed);
  });

  test(`${alg}: a key of ours`, async () => {
    const key = generate(alg);
    const ours = publicOf(alg, key);
    assert.equal(key.alg, alg);
    assert.equal(ours.kid, `ours-${alg}`);
    assert.deepEqual(material(await peer.publicOf(key)), material(ours), 'the same public half');

    const signed = sign(alg, key, payload);
    assert.deepEqual(await peer.verify(alg, ours, signed), payload, 'we sign, they verify');
    assert.deepEqual(verify(alg, ours, await peer.sign(alg, key, header(alg, key), payload)),
      payload, 'they sign with our key, we verify');
    await refusesAll(peer, alg, ours, signed);
  });

  test(`${alg}: a signature of another key`, async () => {
    const [key, other] = [await peer.generate(alg), generate(alg)];
    const keys = await peer.publicOf(key);
    const signed = sign(alg, { ...other, kid: key.kid }, payload);
    assertRefused(alg, keys, signed, 'a signature of another key');
    await assert.rejects(async () => peer.verify(alg, keys, signed));
  });

  test(`${alg}: payloads of any octets`, async () => {
    const key = await peer.generate(alg);
    const keys = await peer.publicOf(key);
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (const octets of [Buffer.from('x'), every, Buffer.alloc(40000, every)]) {
      assert.deepEqual(verify(alg, keys, await peer.sign(alg, key, header(alg, key), octets)),
        octets);
      assert.deepEqual(await peer.verify(alg, keys, sign(alg, key, octets)), octets);
    }
  });
}

function testPeerLacks(peer, alg) {
  test(`${alg}: ${peer.name} does not support it`, async () => {
    await assert.rejects(async () => peer.generate(alg));
    if (!inBuild(alg))
      return;
    const key = generate(alg);
    await assert.rejects(async () => peer.sign(alg, key, header(alg, key), Buffer.from(claims)));
    await assert.rejects(async () =>
      peer.verify(alg, publicOf(alg, key), sign(alg, key, Buffer.from(claims))));
  });
}

function testBuildLacks(peer, alg) {
  test(`${alg}: this build does not support it`, async () => {
    const unsupported = 'algorithm is not supported by this build';
    const made = sjwt(['keygen', '--alg', alg]);
    assert.equal(made.status, 2);
    assert.equal(made.stderr, `sjwt: --alg: ${unsupported}\n`);

    const key = await peer.generate(alg);
    const signed = await peer.sign(alg, key, header(alg, key), Buffer.from(claims));
    const named = { ...(await peer.publicOf(key)), alg };
    const verified = sjwt(['verify', '--alg', alg, '--keys', file(named)], signed);
    assert.equal(verified.status, 2);
    assert.match(verified.stderr,
      /^sjwt: --keys: key is for an algorithm that this build does not support/);

    const signing = sjwt(['sign', '--key', file(key), '--alg', alg, '--claims', claims]);
    assert.equal(signing.status, 2);
    assert.equal(signing.stderr, `sjwt: --alg: ${unsupported}\n`);
  });
}

function testSets(peer, both) {
  test('key sets: the key id chooses', async () => {
    const payload = Buffer.from(claims);
    const keys = new Map();
    for (const alg of both)
      keys.set(alg, { ...(await peer.generate(alg)), kid: `in-a-set-${alg}` });
    for (const secret of [false, true]) {
      const members = both.filter((alg) => isSecret(alg) === secret);
      if (members.length === 0) // one backend has no public-key algorithm in common with jose
        continue;
      const set = { keys: [] };
      for (const alg of members)
        set.keys.push({ ...(await peer.publicOf(keys.get(alg))), kid: `in-a-set-${alg}` });

      const listed = sjwtPrints(['keys', file(set)]).toString().trimEnd().split('\n');
      assert.equal(listed.length, members.length);
      for (const alg of members) {
        const key = keys.get(alg);
        assert.ok(listed.some((line) => line.startsWith(`usable   kid "in-a-set-${alg}": `)));
        assert.deepEqual(
          verify(alg, set, await peer.sign(alg, key, header(alg, key), payload)), payload);
        assert.deepEqual(await peer.verify(alg, set, sign(alg, key, payload)), payload);
      }
    }
  });
}

export function interoperate(peer) {
  test(`what ${peer.name} does not support: ${peer.lacks.join(', ') || 'nothing'}`, () => {
    assert.ok(peer.lacks.every((alg) => algorithms.includes(alg)));
  });
  test('this build signs what it verifies', () => {
    for (const { verifies, signs } of build.values())
      assert.equal(signs, verifies);
  });

  const both = algorithms.filter((alg) => inBuild(alg) && !peer.lacks.includes(alg));
  for (const alg of algorithms) {
    if (peer.lacks.includes(alg))
      testPeerLacks(peer, alg);
    else if (!inBuild(alg))
      testBuildLacks(peer, alg);
    else
      testBothWays(peer, alg);
  }
  testSets(peer, both);
}
