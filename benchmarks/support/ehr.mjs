// An EHR in a process of its own, so that its CPU time is not counted: SMART configuration, token, patients, pages.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const latencyMs = Number(process.env.LATENCY_MS ?? 0);
const pages = Number(process.env.PAGES ?? 20);
const perPage = Number(process.env.PER_PAGE ?? 50);
const patient = await readFile(new URL('patient.json', import.meta.url));
const observation = JSON.parse(await readFile(new URL('observation.json', import.meta.url), 'utf8'));

const server = createServer(async (request, response) => {
  const base = `http://127.0.0.1:${server.address().port}`;
  const url = new URL(request.url, base);
  const send = (body, type = 'application/fhir+json') => {
    response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
  if (url.pathname === '/fhir/.well-known/smart-configuration') {
    const endpoints = { authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token` };
    const document = { ...endpoints, code_challenge_methods_supported: ['S256'], capabilities: [] };
    return send(JSON.stringify(document), 'application/json');
  }
  if (url.pathname === '/token') {
    request.resume();
    const tokens = { access_token: 'a'.repeat(40), refresh_token: 'r'.repeat(40), token_type: 'Bearer' };
    const context = { expires_in: 36_000, scope: 'launch patient/*.rs', patient: 'p1' };
    return send(JSON.stringify({ ...tokens, ...context }), 'application/json');
  }
  if (url.pathname === '/fhir/Observation') {
    const page = Number(url.searchParams.get('page') ?? 1);
    if (latencyMs > 0) await delay(latencyMs);
    return send(searchset(page, `${base}/fhir/Observation?page=${page + 1}`));
  }
  return send(patient);
});

function searchset(page, next) {
  const entry = Array.from({ length: perPage }, (_, at) => ({
    resource: { ...observation, id: `o-${page}-${at}` },
  }));
  const link = page < pages ? [{ relation: 'next', url: next }] : [];
  return JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: pages * perPage, link, entry });
}

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit(0));
