// SPDX-License-Identifier: Apache-2.0
// The tool under test, and files for it to read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tool = process.env.SJWT;
assert.ok(tool, 'SJWT is the path of the tool');

const folder = mkdtempSync(join(tmpdir(), 'interop-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

let files = 0;

// Writes a new file with this content (an object as JSON); returns its path.
export function file(content) {
  const path = join(folder, `${++files}`);
  const text = typeof content === 'string' || Buffer.isBuffer(content);
  writeFileSync(path, text ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
}

// Runs a command; stdout is octets, stderr is text. The input is a file: a pipe would
// break if a command fails before it reads.
export function run(command, args, input = '') {
  const descriptor = openSync(file(input));
  const result = spawnSync(command, args,
    { stdio: [descriptor, 'pipe', 'pipe'], maxBuffer: 1 << 26 });
  closeSync(descriptor);
  assert.equal(result.error, undefined);
  return { status: result.status, stdout: result.stdout, stderr: result.stderr.toString() };
}

export const sjwt = (args, input) => run(tool, args, input);

// Returns the output of the tool; fails if the tool fails.
export function sjwtPrints(args, input) {
  const { status, stdout, stderr } = sjwt(args, input);
  assert.equal(stderr, '', `sjwt ${args[0]} says nothing on standard error`);
  assert.equal(status, 0, `sjwt ${args[0]} exits with 0`);
  return stdout;
}

// algorithm => { verifies, signs }: the backend's name, or "-".
export function backends() {
  const rows = sjwtPrints(['backends']).toString().split('\n\n')[0].trimEnd().split('\n').slice(1);
  return new Map(rows.map((row) => {
    const [algorithm, verifies, signs] = row.split(/ +/);
    return [algorithm, { verifies, signs }];
  }));
}
