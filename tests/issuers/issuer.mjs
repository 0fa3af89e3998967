// SPDX-License-Identifier: Apache-2.0
// Shared by the issuers: a loopback server, an HTTP client that keeps cookies, the output
// directory and the protocol on stdin and stdout.
import { createServer, request } from 'node:http';
import { createServer as createTlsServer, request as tlsRequest } from 'node:https';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

// Node 18 has Web Crypto, but not as the global variable that the packages use.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

const REQUEST_LIMIT_MS = 20_000;

// ISSUER_TLS: a file with a certificate for localhost and its key. The issuer is then behind
// https; ISSUER_CA is the certificate of the authority.
const tls = process.env.ISSUER_TLS && readFileSync(process.env.ISSUER_TLS);
const ca = tls && readFileSync(process.env.ISSUER_CA);

// Listens on a free port of 127.0.0.1; resolves to [server, base address].
export function listen() {
    return new Promise((resolve, reject) => {
        const server = tls ? createTlsServer({ cert: tls, key: tls }) : createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            resolve([server, tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`]);
        });
    });
}

// The browser's part of a login: one cookie jar; the caller follows redirects.
// (fetch of Debian 12's Node 18 does not separate several Set-Cookie headers.)
export class Browser {
    #jar = new Map();

    // Resolves to { status, headers, text }.
    request(url, { method = 'GET', headers = {}, body } = {}) {
        const cookie = [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ');
        return new Promise((resolve, reject) => {
            const options = {
                method,
                headers: { ...headers, cookie },
                timeout: REQUEST_LIMIT_MS,
                agent: false,
                ca,
                family: 4,
            };
            const sent = (tls ? tlsRequest : request)(url, options, async (response) => {
                try {
                    this.#keep(response.headers['set-cookie'] ?? []);
                    let text = '';
                    for await (const chunk of response.setEncoding('utf8')) text += chunk;
                    resolve({ status: response.statusCode, headers: response.headers, text });
                } catch (error) {
                    reject(error);
                }
            });
            sent.once('timeout', () => sent.destroy(new Error(`no answer from ${url}`)));
            sent.once('error', reject);
            sent.end(body);
        });
    }

    async json(url, options) {
        const { status, text } = await this.request(url, options);
        if (status !== 200) throw new Error(`${status} from ${url}: ${text}`);
        return JSON.parse(text);
    }

    #keep(lines) {
        for (const line of lines) {
            const [pair, ...attributes] = line.split(';');
            const at = pair.indexOf('=');
            const name = pair.slice(0, at).trim();
            const gone = attributes.some((text) => {
                const [key, value] = text.trim().split('=');
                return (
                    (/^expires$/i.test(key) && Date.parse(value) <= Date.now()) ||
                    (/^max-age$/i.test(key) && Number(value) <= 0)
                );
            });
            if (gone) this.#jar.delete(name);
            else this.#jar.set(name, pair.slice(at + 1).trim());
        }
    }
}

// Writes the result of one round:
//   <out>/<round>/jwks.json, <out>/<round>/<case>/<user>/{token.jwt,expected.json}
// tokens: [{ name, user, token, expected }]
export async function writeRound(out, round, jwks, tokens) {
    const top = join(out, String(round));
    await mkdir(top, { recursive: true });
    await writeFile(join(top, 'jwks.json'), jwks);
    for (const { name, user, token, expected } of tokens) {
        const directory = join(top, name, user);
        await mkdir(directory, { recursive: true });
        await writeFile(join(directory, 'token.jwt'), token);
        await writeFile(
            join(directory, 'expected.json'),
            `${JSON.stringify(expected, null, 2)}\n`,
        );
    }
}

// Runs an issuer: `start(base address, server)` resolves to an object with
//   round()            logs the users in; resolves to { jwks, tokens }
//   commands           { name: async function of the words after it }
//   jwksUri            where it publishes its keys
// Round 0 is written at once, another after each command read from stdin. Each
// is answered by a line on stdout, "ready <round> <jwks uri>". Ends at the end
// of stdin, at "quit", at the first error, and at the time limit.
export async function run(start) {
    const out = process.argv[2];
    if (!out) {
        console.error(`usage: node ${process.argv[1]} OUTPUT_DIRECTORY [VERSION]`);
        process.exit(2);
    }
    const seconds = Number(process.env.ISSUER_TIME_LIMIT ?? 300);
    setTimeout(() => {
        console.error(`issuer: not done after ${seconds} s`);
        process.exit(3);
    }, seconds * 1000);

    try {
        const [server, base] = await listen();
        const issuer = await start(base, server);
        let round = 0;
        const write = async () => {
            const { jwks, tokens } = await issuer.round();
            await writeRound(out, round, jwks, tokens);
            process.stdout.write(`ready ${round} ${issuer.jwksUri}\n`);
            round += 1;
        };
        await write();
        for await (const line of createInterface({ input: process.stdin })) {
            const [command, ...words] = line.trim().split(/\s+/);
            if (command === 'quit') break;
            if (!Object.hasOwn(issuer.commands, command)) {
                throw new Error(`no such command: ${command}`);
            }
            await issuer.commands[command](...words);
            await write();
        }
        process.exit(0);
    } catch (error) {
        console.error(error);
        process.exit(1);
    }
}
