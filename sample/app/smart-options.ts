import type { ConfigService } from '@nestjs/config';
import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import type { SmartOnFhirModuleOptions } from 'nestjs-smart-on-fhir';

const SCOPES = [
  'launch openid fhirUser offline_access',
  'patient/Patient.rs patient/Condition.rs patient/Observation.rs patient/Encounter.rs',
];

/** Who this app is, what it asks for, and which EHRs may launch it. */
export async function smartOptions(config: ConfigService): Promise<SmartOnFhirModuleOptions> {
  const appUrl = config.getOrThrow<string>('app.url');
  return {
    client: {
      clientId: 'vital-signs',
      scope: SCOPES.join(' '),
      callbackUrl: `${appUrl}/fhir/callback`,
      redirectUrl: `${appUrl}/`,
      knownFhirServers: [
        {
          name: 'Demo EHR',
          issuer: config.getOrThrow<string>('app.ehrFhirBaseUrl'),
          type: 'confidential-asymmetric',
          method: 'private_key_jwt',
          // The EHR finds the public half at /fhir/jwks.json.
          privateKey: config.get<string>('SMART_PRIVATE_JWK') ?? (await createPrivateKey()),
        },
      ],
    },
    // The EHR may show the app in a frame beside the chart.
    session: { secret: config.get<string>('SESSION_SECRET'), embedded: true },
    // The demo is plain http on one machine; leave this out in production.
    options: { allowNonHttpsLaunch: true },
  };
}

async function createPrivateKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES384', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: 'demo', alg: 'ES384' };
}
