import type { OperationOutcome } from 'fhir/r4.js';
import type { SmartError } from '../smart-error.js';

const MAX_TEXT = 1_000;

export function asOperationOutcome(body: unknown): OperationOutcome | undefined {
  const { resourceType } = (body ?? {}) as { resourceType?: unknown };
  return resourceType === 'OperationOutcome' ? (body as OperationOutcome) : undefined;
}

/**
 * The first issue's codes, for a message: its `code` and that of its details. Texts name patients and ids, and are
 * left out, as is a code that could be one (long digits).
 */
export function outcomeCodes(outcome: OperationOutcome | undefined): string[] {
  const [issue] = issuesOf(outcome);
  const details = issue?.details as { coding?: unknown } | undefined;
  const coding = Array.isArray(details?.coding)
    ? (details.coding[0] as { code?: unknown } | null)
    : undefined;
  const codes = [
    matching(issue?.code, /^[a-z-]{1,40}$/),
    matching(coding?.code, /^([A-Za-z][A-Za-z_-]{1,49}|\d{1,5})$/),
  ];
  return codes.filter((code) => code !== undefined);
}

/**
 * What the FHIR server said of a refusal, in one line; undefined where it said nothing. For the user who sent the
 * request: it may hold ids and names, so it is no text for a log.
 *
 * @example
 * const stored = await fhir.create(observation);
 * if (stored instanceof SmartError) return { problem: outcomeText(stored) ?? stored.message };
 */
export function outcomeText(error: SmartError): string | undefined {
  const texts = issuesOf(error.operationOutcome).flatMap(({ details, diagnostics }) => {
    const { text, coding } = (details ?? {}) as { text?: unknown; coding?: unknown };
    const display = Array.isArray(coding) ? (coding[0] as { display?: unknown } | null)?.display : undefined;
    const said = [text, display, diagnostics].find(
      (candidate) => typeof candidate === 'string' && candidate !== '',
    );
    return typeof said === 'string' ? [said.replace(/\s+/g, ' ').trim()] : [];
  });
  return texts.length ? texts.join('; ').slice(0, MAX_TEXT) : undefined;
}

/** Servers do not always send what their type says. */
function issuesOf(outcome: OperationOutcome | undefined): Record<string, unknown>[] {
  const issues: unknown = outcome?.issue;
  if (!Array.isArray(issues)) return [];
  return issues.filter(
    (issue): issue is Record<string, unknown> => typeof issue === 'object' && issue !== null,
  );
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}
