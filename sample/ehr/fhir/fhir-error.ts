import type { OperationOutcome, OperationOutcomeIssue } from 'fhir/r4.js';

/** An interaction that failed, carrying what the client is to be told. */
export class FhirError extends Error {
  constructor(
    readonly status: number,
    readonly code: OperationOutcomeIssue['code'],
    message: string,
    readonly expression: string[] = [],
  ) {
    super(message);
    this.name = 'FhirError';
  }

  toOutcome(): OperationOutcome {
    return operationOutcome('error', this.code, this.message, this.expression);
  }
}

export function operationOutcome(
  severity: OperationOutcomeIssue['severity'],
  code: OperationOutcomeIssue['code'],
  diagnostics: string,
  expression: string[] = [],
): OperationOutcome {
  const issue: OperationOutcomeIssue = { severity, code, diagnostics };
  if (expression.length > 0) issue.expression = expression;
  return { resourceType: 'OperationOutcome', issue: [issue] };
}
