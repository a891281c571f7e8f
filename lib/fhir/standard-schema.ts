import { SmartError } from '../smart-error.js';

/**
 * A schema of any library that implements Standard Schema v1 (zod, valibot, arktype …), as published at
 * standardschema.dev.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export async function validated<T>(
  schema: StandardSchema<T>,
  value: unknown,
  what: string,
): Promise<T | SmartError> {
  try {
    return outcome(await schema['~standard'].validate(value), what);
  } catch (error) {
    return threw(error, what);
  }
}

/** For places that answer at once: a schema that validates asynchronously is an error there. */
export function validatedNow<T>(schema: StandardSchema<T>, value: unknown, what: string): T | SmartError {
  let result: SchemaResult<T> | Promise<SchemaResult<T>>;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    return threw(error, what);
  }
  if ('then' in result) {
    // the answer comes too late, whatever it is
    result.then(undefined, () => undefined);
    return new SmartError(
      'schema_mismatch',
      `The schema for ${what} validates asynchronously; use a synchronous one`,
    );
  }
  return outcome(result, what);
}

/** What a transformation throws quotes what it was given, e.g. `JSON.parse`. */
function threw(error: unknown, what: string): SmartError {
  return new SmartError('schema_mismatch', `${what} could not be validated: the schema threw`, {
    cause: error,
  });
}

/** Names the paths that do not fit, not the messages: validators like to quote the value. */
function outcome<T>(result: SchemaResult<T>, what: string): T | SmartError {
  if (!result.issues) return result.value;
  const paths = result.issues.slice(0, 5).map(({ path }) => path?.map(keyOf).join('.') || '(root)');
  return new SmartError('schema_mismatch', `${what} does not match the schema at ${paths.join(', ')}`);
}

/** A key may be the server's own word, where the schema takes any: it must not write the log's next line. */
function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  const key = String(typeof segment === 'object' ? segment.key : segment);
  return /^[\w$.:()-]{1,64}$/.test(key) ? key : '?';
}
