import { SmartError } from '../smart-error.js';
import type { Brand } from './brand-bundle.js';

/**
 * The brand of the server itself: exactly one organization of the bundle has `user_access_brand_identifier`; only a
 * bundle of one brand needs none (SMART 2.2 "User-access Brands").
 */
export function primaryBrand(
  brands: readonly Brand[],
  identifier: { system?: string; value?: string } | undefined,
): Brand | SmartError {
  if (identifier === undefined) {
    return brands.length === 1
      ? brands[0]!
      : refused(
          `has ${brands.length} brands, and user_access_brand_identifier does not say which is its own`,
        );
  }
  const { system, value } = identifier;
  if (value === undefined) return refused('gives a user_access_brand_identifier without a value');
  const own = brands.filter(({ identifiers }) =>
    // the system is only recommended
    identifiers.some((one) => one.value === value && (system === undefined || one.system === system)),
  );
  return own.length === 1
    ? own[0]!
    : refused(`has ${own.length} brands with its user_access_brand_identifier, which must name exactly one`);
}

function refused(problem: string): SmartError {
  return new SmartError('invalid_fhir_response', `The brand bundle of the EHR ${problem}`);
}
