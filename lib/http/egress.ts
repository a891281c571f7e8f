import { lookup as dnsLookup } from 'node:dns';
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Addresses a call to a host we were told about by a stranger may reach. */
export interface EgressPolicy {
  /** only public unicast addresses; set in `allowAnyIssuer` mode, where the issuer is anybody's choice */
  publicOnly: boolean;
  /** loopback is allowed even so (development) */
  allowLoopback: boolean;
}

export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
  readonly code = 'EGRESS_REFUSED';
}

/** Whether the policy lets us connect to this IP address (IPv4, IPv6, mapped and translated forms). */
export function isAllowedAddress(address: string, policy: EgressPolicy): boolean {
  if (!policy.publicOnly) return true;
  if (!ipaddr.isValid(address)) return false;
  // `process` unwraps ::ffff:10.0.0.1; 64:ff9b::/96 and 6to4 have ranges of their own and are refused by name.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range === 'loopback') return policy.allowLoopback;
  // 2000::/3 is all that is global; outside it lie e.g. the IPv4-compatible addresses, ::10.0.0.1
  return range === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.parts[0]! >> 13 === 1);
}

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A DNS lookup that hands the socket only addresses the policy allows: what was checked is what is
 * connected to, so a name that changes its answer after the check gains nothing.
 */
export function guardedLookup(policy: EgressPolicy, resolve: Resolve = dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => isAllowedAddress(address, policy));
      const first = allowed[0];
      if (!first || allowed.length < addresses.length) {
        return callback(new EgressRefused(`${hostname} has an address that is not public`), '', 0);
      }
      if (options.all) return callback(null, allowed);
      callback(null, first.address, first.family);
    });
  };
}

/** Literal addresses never reach the lookup, so they are checked before the call. */
export function isAllowedHost(url: URL, policy: EgressPolicy): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 || isAllowedAddress(host, policy);
}
