import type { Bundle, BundleEntry } from 'fhir/r4.js';

import { entryOfResponse, requestOfEntry } from './bundle-entry.js';
import { FhirError } from './fhir-error.js';
import type { FhirRequest, FhirResponse } from './fhir-exchange.js';
import type { ResourceType } from './fhir-store.js';
import type { Interactions } from './interactions.js';
import { isObject } from './json.js';
import { isResourceType } from './search-parameters.js';
import { TransactionReferences } from './transaction-references.js';

type Dispatch = (request: FhirRequest) => FhirResponse;

/** The order R4 lays down for the entries of a transaction. */
const PRECEDENCE = ['DELETE', 'POST', 'PUT', 'PATCH', 'GET'];

export function processBundle(body: unknown, interactions: Interactions, dispatch: Dispatch): FhirResponse {
  if (!isObject(body) || body['resourceType'] !== 'Bundle') {
    throw new FhirError(400, 'structure', 'what is posted to the base is a Bundle');
  }
  const entries: unknown = body['entry'] ?? [];
  if (!Array.isArray(entries)) throw new FhirError(400, 'structure', 'Bundle.entry is not an array');
  switch (body['type']) {
    case 'batch':
      return bundleResponse('batch-response', batch(entries, interactions, dispatch));
    case 'transaction':
      return bundleResponse('transaction-response', transaction(entries, interactions, dispatch));
    default:
      throw new FhirError(400, 'value', 'Bundle.type is neither batch nor transaction', ['Bundle.type']);
  }
}

function bundleResponse(type: Bundle['type'], entry: BundleEntry[]): FhirResponse {
  return { status: 200, headers: {}, body: { resourceType: 'Bundle', type, entry } };
}

function batch(entries: unknown[], { base }: Interactions, dispatch: Dispatch): BundleEntry[] {
  return entries.map((entry) => {
    try {
      return entryOfResponse(dispatch(requestOfEntry(entry, base)), base);
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      return entryOfResponse({ status: error.status, headers: {}, body: error.toOutcome() }, base);
    }
  });
}

interface Step {
  index: number;
  request: FhirRequest;
  run: (body: unknown) => FhirResponse;
}

function transaction(entries: unknown[], interactions: Interactions, dispatch: Dispatch): BundleEntry[] {
  const { base, store } = interactions;
  const references = new TransactionReferences(interactions);
  const targets = new Set<string>();
  const steps = entries.map((entry, index) =>
    naming(index, () => {
      const request = requestOfEntry(entry, base);
      const fullUrl = isObject(entry) ? entry['fullUrl'] : undefined;
      claimTarget(request, targets);
      return { index, request, run: plan(request, fullUrl, interactions, references, dispatch) };
    }),
  );
  const bodies = steps.map(({ index, request }) =>
    naming(index, () => (request.method === 'PATCH' ? request.body : references.resolve(request.body))),
  );
  const inOrder = [...steps].sort((a, b) => precedence(a) - precedence(b));
  const responses = new Map<number, BundleEntry>();
  store.atomically(() => {
    for (const { index, run } of inOrder) {
      responses.set(
        index,
        entryOfResponse(
          naming(index, () => run(bodies[index])),
          base,
        ),
      );
    }
  });
  return steps.map(({ index }) => responses.get(index) ?? {});
}

const precedence = ({ request }: Step): number => PRECEDENCE.indexOf(request.method);

/** Decides the id of what an entry creates, so that the others can refer to it before it exists. */
function plan(
  request: FhirRequest,
  fullUrl: unknown,
  interactions: Interactions,
  references: TransactionReferences,
  dispatch: Dispatch,
): Step['run'] {
  const { method, path, headers } = request;
  const [type = ''] = path;
  if (method === 'PUT' && path.length === 2) references.assign(fullUrl, path.join('/'));
  if (method !== 'POST' || path.length !== 1 || !isResourceType(type)) {
    return (body) => dispatch({ ...request, body });
  }
  return planCreate(type, headers, fullUrl, interactions, references);
}

function planCreate(
  type: ResourceType,
  headers: FhirRequest['headers'],
  fullUrl: unknown,
  interactions: Interactions,
  references: TransactionReferences,
): Step['run'] {
  const existing = interactions.existingFor(type, headers['if-none-exist']);
  const id = existing?.id ?? interactions.store.newId();
  references.assign(fullUrl, `${type}/${id}`);
  // the condition has been settled: what the transaction itself creates must not meet it later
  return existing
    ? (body) => interactions.create(type, body, headers)
    : (body) => interactions.create(type, body, { ...headers, 'if-none-exist': undefined }, id);
}

/** A transaction must not write one resource twice, for then its order would matter. */
function claimTarget({ method, path, headers }: FhirRequest, targets: Set<string>): void {
  const condition = method === 'POST' ? headers['if-none-exist'] : undefined;
  const isWrite = ['PUT', 'PATCH', 'DELETE'].includes(method);
  const target = condition ? `${path.join('/')}?${condition}` : isWrite ? path.join('/') : null;
  if (target === null) return;
  if (targets.has(target)) throw new FhirError(400, 'duplicate', `the transaction writes ${target} twice`);
  targets.add(target);
}

/** Says in which entry a transaction failed. */
function naming<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    const place = `Bundle.entry[${index}]`;
    throw new FhirError(error.status, error.code, `${place}: ${error.message}`, [place]);
  }
}
