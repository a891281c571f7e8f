import type { CallbackParameters } from './callback-parameters.js';

const RESPONSE = ['state', 'code', 'error'];

/** What a request to the one route for all wants: to complete a launch, or to start one. */
export function initialParameters(
  parameters: CallbackParameters,
): 'callback' | { iss: string; launch: string } | { iss: string; returnTo?: string } {
  const all = (name: string): unknown[] => {
    if (parameters instanceof URLSearchParams) return parameters.getAll(name);
    return Object.hasOwn(parameters, name) ? [parameters[name]] : [];
  };
  // Repeated, a parameter means nothing; the empty text is refused with the right message further on.
  const single = (name: string): string => {
    const [value, ...more] = all(name);
    return typeof value === 'string' && more.length === 0 ? value : '';
  };
  if (RESPONSE.some((name) => all(name).length > 0)) return 'callback';
  const iss = single('iss');
  return all('launch').length > 0 ? { iss, launch: single('launch') } : { iss, returnTo: single('returnTo') };
}
