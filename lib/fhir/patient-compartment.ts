import { SmartError } from '../smart-error.js';
import { fhirUrl } from './fhir-url.js';
import { PATIENT_COMPARTMENT } from './patient-compartment-data.js';
import { literalOf, mayBePerson, namesAnotherPatient, valuesAt } from './patient-references.js';
import { baseOf, ownRoot } from './reference.js';
import type { QueryEntry } from './search-parameters.js';

/** Where types outside the compartment name a patient, if they do. */
const USUAL_ELEMENTS = ['subject', 'patient'];
/** Whole records may be in them. */
const CARRIERS = ['Bundle', 'Parameters'];
const ABSOLUTE = /^([a-z][a-z0-9+.-]*:|\/\/)/i;

/** What is about one patient: asks for that alone, and knows what was answered all the same. */
export class PatientCompartment {
  readonly #id: string;
  readonly #fhirBaseUrl: string;
  /** made when a reference is not plain: most clients never need it */
  #url?: string;

  constructor(
    fhirBaseUrl: string,
    patientId: string,
    /** told once a search how many resources of other patients were left out */
    readonly onForeign: (resourceType: string, count: number) => void,
  ) {
    this.#fhirBaseUrl = fhirBaseUrl;
    this.#id = patientId;
  }

  /** The query with the parameter of the compartment. @throws SmartError `invalid_request` */
  narrowed(resourceType: string, entries: readonly QueryEntry[]): QueryEntry[] {
    const row = compartmentRow(resourceType);
    if (row === undefined) {
      throw new SmartError(
        'invalid_request',
        'The resource type is not in the patient compartment of FHIR; search for it without the patient',
      );
    }
    const [parameter, ...elements] = row;
    const direct = new Set(resourceType === 'Patient' ? ['_id'] : [parameter, 'patient', 'subject']);
    const others = entries.filter(([name, value]) => {
      const named = name.replace(/:Patient$/, '');
      if (direct.has(named)) this.#checkNamed(name, value);
      return named !== parameter;
    });
    const asked = others.map(([name, value]): QueryEntry => {
      if (name === '_summary' && value === 'text') {
        throw new SmartError('invalid_request', '_summary=text leaves out whom a resource is about');
      }
      return [name, name === '_elements' ? withElements(value, elements) : value];
    });
    return [[parameter, parameter === '_id' ? this.#id : `Patient/${this.#id}`], ...asked];
  }

  /**
   * Whether a resource is about somebody else. One that was searched for must name this patient; one that came with
   * it (`_include`) must not name another, nor somebody who cannot be told from another.
   *
   * @param fullUrl of its entry: one of another server makes the ids and relative references in it that server's
   */
  isForeign(
    resource: { resourceType?: string; id?: unknown },
    searchedType: string,
    fullUrl?: unknown,
  ): boolean {
    const { resourceType = '' } = resource;
    const isOwn = isOfServer(fullUrl, this.#fhirBaseUrl);
    if (resourceType === 'Patient') return !isOwn || resource.id !== this.#id;
    if (CARRIERS.includes(resourceType)) return true;
    const isThis = (literal: string) => (isOwn || ABSOLUTE.test(literal)) && this.#isThisPatient(literal);
    const row = compartmentRow(resourceType);
    const elements = row?.slice(1) ?? USUAL_ELEMENTS;
    const references = elements.flatMap((path) => valuesAt(resource, path.split('.')));
    const namesThis = references.some((reference) => isThis(literalOf(reference)));
    if (namesThis && row !== undefined) return false;
    if (resourceType === searchedType) return true;
    const isAmbiguous = references.some(
      (reference) => !isThis(literalOf(reference)) && mayBePerson(reference, resource),
    );
    return isAmbiguous || namesAnotherPatient(resource, resource, isThis);
  }

  #checkNamed(name: string, value: string): void {
    const isThis = (one: string) => one === this.#id || this.#isThisPatient(one);
    if (value.split(',').every(isThis)) return;
    throw new SmartError(
      'invalid_request',
      `The search parameter ${name} names another than the patient of this launch; leave it out`,
    );
  }

  #isThisPatient(reference: string): boolean {
    if (reference === `Patient/${this.#id}`) return true;
    const url = fhirUrl(this.#fhirBaseUrl, reference);
    if (url instanceof SmartError) return false;
    this.#url ??= String(fhirUrl(this.#fhirBaseUrl, `Patient/${this.#id}`));
    return url.href === this.#url || url.href.startsWith(`${this.#url}/_history/`);
  }
}

function compartmentRow(resourceType: string): readonly [string, ...string[]] | undefined {
  if (!Object.hasOwn(PATIENT_COMPARTMENT, resourceType)) return undefined;
  return PATIENT_COMPARTMENT[resourceType as keyof typeof PATIENT_COMPARTMENT];
}

/** Without them nobody could tell whom the answer is about. */
function withElements(value: string, elements: readonly string[]): string {
  const asked = value.split(',');
  const roots = elements.map((path) => path.split('.', 1)[0]!);
  return [...new Set([...asked, ...roots])].join(',');
}

/** Without a `fullUrl`, or with a `urn:` that says nothing of a server, an entry is of the server that answered. */
function isOfServer(fullUrl: unknown, fhirBaseUrl: string): boolean {
  if (fullUrl === undefined || fullUrl === null) return true;
  if (typeof fullUrl !== 'string') return false;
  if (!ABSOLUTE.test(fullUrl.trim()) || /^urn:/i.test(fullUrl)) return true;
  return baseOf(fullUrl) === ownRoot(fhirBaseUrl);
}
