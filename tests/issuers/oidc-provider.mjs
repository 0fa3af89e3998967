// SPDX-License-Identifier: Apache-2.0
// oidc-provider, a certified OpenID Provider: authorization code flow with PKCE,
// its development login and consent pages driven over HTTP.
//   node oidc-provider.mjs OUTPUT_DIRECTORY
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Browser, run } from './issuer.mjs';
import { Provider } from 'oidc-provider';

const ALGORITHMS = ['RS256', 'ES256', 'PS256', 'EdDSA'];
const REDIRECT_URI = 'http://127.0.0.1/callback';
const API = 'https://api.example.com/';
const DEVICE_CLIENT = 'psql';
const HOUR = 3600;

function makeKeys() {
    return ALGORITHMS.map((alg) => {
        const { privateKey } = {
            ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
            EdDSA: () => generateKeyPairSync('ed25519'),
            RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
            PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
        }[alg]();
        const kid = `${alg}-${randomBytes(6).toString('hex')}`;
        return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
    });
}

// One client for each algorithm of its ID tokens; the resource names the algorithm of the
// access tokens.
const clients = ALGORITHMS.map((alg) => ({
    client_id: `client-${alg}`,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    id_token_signed_response_alg: alg,
}));

// A program without a browser, such as psql. It names no resource: this one is its default.
clients.push({
    client_id: DEVICE_CLIENT,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: [],
    response_types: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
});

function configuration(keys, cookieKey, users) {
    return {
        clients,
        jwks: { keys },
        cookies: { keys: [cookieKey] },
        enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
        conformIdTokenClaims: false,
        claims: { openid: ['sub'], email: ['email', 'email_verified'] },
        findAccount: (ctx, id) => ({
            accountId: id,
            claims: () => {
                const name = Object.keys(users).find((user) => users[user] === id);
                return { sub: id, email: `${name}@example.com`, email_verified: true };
            },
        }),
        features: {
            deviceFlow: { enabled: true },
            devInteractions: { enabled: true },
            resourceIndicators: {
                enabled: true,
                defaultResource: (ctx, client) =>
                    client.clientId === DEVICE_CLIENT ? `${API}ES256` : undefined,
                getResourceServerInfo: (ctx, resource) => ({
                    scope: 'notes:read notes:write',
                    accessTokenFormat: 'jwt',
                    jwt: { sign: { alg: resource.slice(API.length) } },
                }),
                useGrantedResource: () => true,
            },
        },
        ttl: {
            AccessToken: HOUR,
            AuthorizationCode: 60,
            DeviceCode: 60,
            Grant: HOUR,
            IdToken: HOUR,
            Interaction: HOUR,
            Session: HOUR,
        },
    };
}

const form = (fields) => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
});

// Sends the browser to an address and lets `login` answer the login and consent pages.
// Resolves to { url, text }: the redirect URI, or the page that asks for neither.
async function browse(browser, login, start, options) {
    let url = start;
    let response = await browser.request(url, options);
    for (let hops = 0; hops <= 10; hops += 1) {
        if (response.status === 200) {
            const prompt = /name="prompt" value="(login|consent)"/.exec(response.text)?.[1];
            if (!prompt) return { url, text: response.text };
            response = await browser.request(
                url,
                form(prompt === 'login' ? { prompt, login, password: 'any' } : { prompt }),
            );
        }
        const { location } = response.headers;
        if (!location) throw new Error(`${response.status} from ${url}, no redirect`);
        url = new URL(location, url).href;
        if (url.startsWith(REDIRECT_URI)) return { url, text: '' };
        response = await browser.request(url);
    }
    throw new Error('the login does not come to an end');
}

// Logs `login` in for one client; resolves to the token endpoint's answer.
async function authorize(base, alg, login) {
    const browser = new Browser();
    const verifier = randomBytes(32).toString('base64url');
    const start = new URL(`${base}/auth`);
    start.search = new URLSearchParams({
        client_id: `client-${alg}`,
        response_type: 'code',
        redirect_uri: REDIRECT_URI,
        scope: 'openid email notes:read notes:write',
        resource: API + alg,
        nonce: randomBytes(8).toString('hex'),
        code_challenge_method: 'S256',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    });
    const { url } = await browse(browser, login, start.href);
    const code = new URL(url).searchParams.get('code');
    if (!code) throw new Error(`no code: ${url}`);
    return browser.json(
        `${base}/token`,
        form({
            grant_type: 'authorization_code',
            client_id: `client-${alg}`,
            redirect_uri: REDIRECT_URI,
            resource: API + alg,
            code,
            code_verifier: verifier,
        }),
    );
}

// Enters the code that a device shows (RFC 8628) and confirms it, as `login`.
async function enterCode(base, userCode, login) {
    const browser = new Browser();
    const page = await browser.request(`${base}/device`);
    const xsrf = /name="xsrf" value="([0-9a-f]+)"/.exec(page.text)?.[1];
    const fields = { xsrf, user_code: userCode, confirm: 'yes' };
    const { url, text } = await browse(browser, login, `${base}/device`, form(fields));
    if (!/Sign-in Success/.test(text)) throw new Error(`no success: ${url}`);
}

await run(async (base, server) => {
    const users = { alice: randomUUID(), bob: randomUUID() };
    const cookieKey = randomBytes(32).toString('hex');
    let keys = makeKeys();

    // A provider's keys are fixed at its creation. To change the keys, a new
    // provider replaces the old one at the same address.
    const serve = () => {
        const provider = new Provider(base, configuration(keys, cookieKey, users));
        server.removeAllListeners('request');
        server.on('request', provider.callback());
    };
    serve();

    const jwksUri = `${base}/jwks`;
    return {
        jwksUri,
        async round() {
            const tokens = [];
            for (const alg of ALGORITHMS) {
                // The first key of an algorithm is the one that signs.
                const { kid } = keys.find((key) => key.alg === alg);
                for (const [user, sub] of Object.entries(users)) {
                    const answer = await authorize(base, alg, sub);
                    const common = { iss: base, sub, alg, kid };
                    tokens.push(
                        {
                            name: `id-${alg}`,
                            user,
                            token: answer.id_token,
                            expected: {
                                ...common,
                                aud: `client-${alg}`,
                                email: `${user}@example.com`,
                            },
                        },
                        {
                            name: `access-${alg}`,
                            user,
                            token: answer.access_token,
                            expected: { ...common, aud: API + alg, typ: 'at+jwt' },
                        },
                    );
                }
            }
            const { text } = await new Browser().request(jwksUri);
            return { jwks: text, tokens };
        },
        commands: {
            // alice enters the code that a device shows.
            device: (userCode) => enterCode(base, userCode, users.alice),
            // New keys sign, those before them stay published.
            rotate() {
                keys = [...makeKeys(), ...keys];
                serve();
            },
            // Only the newest keys stay published.
            retire() {
                keys = keys.slice(0, ALGORITHMS.length);
                serve();
            },
        },
    };
});
