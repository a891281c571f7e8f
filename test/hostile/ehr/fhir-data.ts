import type { Bundle, Observation, OperationOutcome, Patient, Practitioner, Resource } from 'fhir/r4.js';
import type { Answer, Seen } from './exchange.js';
import type { Tenant } from './tenant.js';

const FHIR_JSON = { 'content-type': 'application/fhir+json' };
const PAGE = 2;

/** A FHIR server of one patient and five observations, with paging and writes. */
export class FhirData {
  readonly #resources = new Map<string, Resource>();

  constructor(private readonly ehr: Tenant) {
    const { patient: id } = ehr;
    const patient: Patient = { resourceType: 'Patient', id, name: [{ family: `Family-${id}` }] };
    const practitioner: Practitioner = { resourceType: 'Practitioner', id: 'dr1' };
    const observations = Array.from({ length: 5 }, (_, n): Observation => {
      const code = { text: `observation ${n}` };
      const subject = { reference: `Patient/${id}` };
      return { resourceType: 'Observation', id: `o${n}`, status: 'final', code, subject };
    });
    for (const resource of [patient, practitioner, ...observations]) this.#put(resource);
  }

  answer(request: Seen): Answer {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !this.ehr.accessTokens.has(token)) return outcome(401, 'login');
    const [type = '', id] = request.path.replace(/^\/fhir\/?/, '').split('/');
    if (request.method === 'POST') return this.#create(type, request.body);
    if (id === undefined) return fhir(200, this.#search(type, Number(request.query.get('page') ?? 0)));
    if (request.method === 'PUT') return fhir(200, this.#put(JSON.parse(request.body) as Resource));
    if (request.method === 'DELETE') return { status: this.#resources.delete(`${type}/${id}`) ? 204 : 404 };
    const resource = this.#resources.get(`${type}/${id}`);
    return resource ? fhir(200, resource) : outcome(404, 'not-found');
  }

  /** A searchset page, as a good server gives it. */
  #search(type: string, page: number): Bundle {
    const { fhirBaseUrl } = this.ehr;
    const all = [...this.#resources.values()].filter(({ resourceType }) => resourceType === type);
    const entry = all.slice(page * PAGE, (page + 1) * PAGE).map((resource) => ({
      fullUrl: `${fhirBaseUrl}/${type}/${resource.id}`,
      resource: resource as Observation,
    }));
    const hasMore = all.length > (page + 1) * PAGE;
    return {
      resourceType: 'Bundle',
      type: 'searchset',
      total: all.length,
      entry,
      ...(hasMore && { link: [{ relation: 'next', url: `${fhirBaseUrl}/${type}?page=${page + 1}` }] }),
    };
  }

  #create(type: string, body: string): Answer {
    const id = `new-${this.#resources.size}`;
    const resource = this.#put({ ...(JSON.parse(body) as Resource), id });
    return { ...fhir(201, resource), headers: { ...FHIR_JSON, location: `${type}/${id}` } };
  }

  #put(resource: Resource): Resource {
    this.#resources.set(`${resource.resourceType}/${resource.id}`, resource);
    return resource;
  }
}

export function fhir(status: number, body: Resource): Answer {
  return { status, headers: FHIR_JSON, body };
}

export function outcome(status: number, code: string, diagnostics = ''): Answer {
  const issue: OperationOutcome['issue'] = [
    { severity: 'error', code: code as OperationOutcome['issue'][number]['code'], diagnostics },
  ];
  return fhir(status, { resourceType: 'OperationOutcome', issue } as OperationOutcome);
}
