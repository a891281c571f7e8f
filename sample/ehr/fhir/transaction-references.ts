import { FhirError } from './fhir-error.js';
import type { Interactions } from './interactions.js';
import { mapStrings } from './json.js';
import { isResourceType } from './search-parameters.js';

const CONDITIONAL_REFERENCE = /^([A-Z][A-Za-z]+)\?(.+)$/;

/** Puts ids in the place of a transaction's own names for its entries, and of conditional references. */
export class TransactionReferences {
  private readonly byFullUrl = new Map<string, string>();

  constructor(private readonly interactions: Interactions) {}

  assign(fullUrl: unknown, reference: string): void {
    if (typeof fullUrl !== 'string') return;
    if (this.byFullUrl.has(fullUrl)) {
      throw new FhirError(400, 'duplicate', `two entries have the fullUrl ${fullUrl}`);
    }
    this.byFullUrl.set(fullUrl, reference);
  }

  resolve<T>(body: T): T {
    return mapStrings(body, (text, key) => {
      const assigned = this.byFullUrl.get(text);
      // an Identifier may well have a urn:uuid: value of its own, which is no link
      if (assigned !== undefined && key !== 'value') return assigned;
      if (key !== 'reference') return text;
      if (text.startsWith('urn:uuid:') || text.startsWith('urn:oid:')) {
        throw new FhirError(400, 'not-found', `no entry of the transaction has the fullUrl ${text}`);
      }
      return this.conditional(text);
    });
  }

  private conditional(reference: string): string {
    const [, type, condition] = CONDITIONAL_REFERENCE.exec(reference) ?? [];
    if (!type || !condition || !isResourceType(type)) return reference;
    const matches = this.interactions.matching(type, condition);
    const [match] = matches;
    if (match && matches.length === 1) return `${type}/${match.id}`;
    const code = matches.length > 1 ? 'multiple-matches' : 'not-found';
    throw new FhirError(412, code, `${matches.length} resources match the reference ${reference}`);
  }
}
