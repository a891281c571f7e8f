/* An app with `exactOptionalPropertyTypes`: what it takes out of a resource is `T | undefined`, and must fit. */
import { units } from 'nestjs-smart-on-fhir';
import type {
  AppState,
  AppStateOptions,
  AppStateQuery,
  AuthorizeOverrides,
  BackendFhirClientConfiguration,
  BackendFhirClientOptions,
  BatchOptions,
  FhirCacheOptions,
  FhirChangeOptions,
  FhirCreateOptions,
  FhirHistoryOptions,
  FhirOperationOptions,
  FhirReadOptions,
  FhirRequest,
  KnownFhirServer,
  KnownFhirServerSwitches,
  LaunchOverrides,
  NewAppState,
  OpenLaunchParameters,
  QuantityLike,
  ReadyClient,
  ReferenceLike,
  ResolvedReferences,
  ResolveOptions,
  ResolveReferencesOptions,
  RetryOptions,
  SearchOptions,
  SearchParameters,
  SearchPrefixes,
  SmartClient,
  SmartClientConfiguration,
  SmartClientOptions,
  SmartErrorDetails,
  SmartSession,
  UserAccessBrandsOptions,
} from 'nestjs-smart-on-fhir';
import type { FhirResource, Medication, MedicationRequest, Observation, Patient } from 'fhir/r4.js';

type OptionalIn<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T];
/** T with undefined in every member that may be left out */
type Emptied<T> = T extends unknown
  ? { [K in keyof T as K extends OptionalIn<T> ? never : K]: T[K] } & { [K in OptionalIn<T>]: undefined }
  : never;

/** Does not compile unless every member that may be left out may also be undefined. */
function takesUndefined<T>(
  ..._proof: Emptied<T> extends T ? [] : ['a member refuses undefined', Emptied<T>]
): void {}

/** Never called: only its types matter. */
export function inputs(): void {
  takesUndefined<AppStateOptions>();
  takesUndefined<AppStateQuery>();
  takesUndefined<AuthorizeOverrides>();
  takesUndefined<BackendFhirClientConfiguration>();
  takesUndefined<BackendFhirClientOptions>();
  takesUndefined<BatchOptions>();
  takesUndefined<FhirCacheOptions>();
  takesUndefined<FhirChangeOptions>();
  takesUndefined<FhirCreateOptions>();
  takesUndefined<FhirHistoryOptions>();
  takesUndefined<FhirOperationOptions>();
  takesUndefined<FhirReadOptions>();
  takesUndefined<FhirRequest>();
  takesUndefined<KnownFhirServer>();
  takesUndefined<KnownFhirServerSwitches>();
  takesUndefined<LaunchOverrides>();
  takesUndefined<NewAppState>();
  takesUndefined<OpenLaunchParameters>();
  takesUndefined<QuantityLike>();
  takesUndefined<ReferenceLike>();
  takesUndefined<ResolveOptions>();
  takesUndefined<ResolveReferencesOptions>();
  takesUndefined<RetryOptions>();
  takesUndefined<SearchOptions>();
  takesUndefined<SearchPrefixes>();
  takesUndefined<SmartClientConfiguration>();
  takesUndefined<SmartClientOptions>();
  takesUndefined<NonNullable<SmartClientOptions['session']>>();
  takesUndefined<SmartErrorDetails>();
  takesUndefined<Omit<SmartSession, 'browserStarted' | 'sessionStarted' | 'sessionEnded'>>();
  takesUndefined<UserAccessBrandsOptions>();
}

/** Never called. */
export async function values(
  fhir: ReadyClient,
  observation: Observation,
  request: MedicationRequest,
  patient: Patient,
  resolved: ResolvedReferences<FhirResource>,
): Promise<void> {
  units.kg(observation.valueQuantity);
  units.any(observation.component?.[0]?.valueQuantity);
  await fhir.resolve<Medication>(request.medicationReference, { in: request, signal: undefined });
  resolved.get(observation.subject);

  const coding = observation.code.coding?.[0];
  if (!coding || !observation.subject || !observation.valueQuantity) return;
  fhir.search('Observation', { code: coding, subject: observation.subject });
  fhir.search('Observation', { 'value-quantity': observation.valueQuantity, encounter: undefined });
  fhir.search('Observation', { code: observation.code.coding, date: { ge: observation.effectiveDateTime } });
  fhir.search('Patient', { identifier: patient.identifier?.[0], _sort: undefined }, { pageLimit: undefined });
  fhir.patient.search('Observation', { code: { or: [coding] } });
  const query: SearchParameters = { _count: undefined, _include: undefined, code: coding };
  await fhir.search('Observation', query).toArray({ limit: undefined });

  await fhir.update(patient, { ifMatch: patient.meta?.versionId });
  await fhir.create(patient, { ifNoneExist: undefined, includeResponse: undefined });
  await fhir.request('Patient/1', { signal: undefined, schema: undefined, as: undefined, cache: undefined });
  await fhir.request({ url: 'Patient/1', method: undefined, headers: undefined });
  await fhir.operation('$everything', { on: 'Patient/1', parameters: { _since: patient.meta?.lastUpdated } });
  await fhir.validationReport({ read: undefined, signal: undefined });
}

/** Never called. */
export async function launches(smart: SmartClient, state: AppState, extra: { tab?: string | undefined }) {
  await smart.launch({ iss: 'https://ehr.example.org/fhir', launch: 'xyz', scope: undefined });
  await smart.authorize({
    iss: 'https://ehr.example.org/fhir',
    appData: undefined,
    context: undefined,
    returnTo: extra.tab,
  });
  await smart.authorize({ fhirServiceUrl: 'https://hapi.example.org/fhir', patientId: extra.tab });
  await smart.authorize({
    iss: 'https://ehr.example.org/fhir',
    fakeTokenResponse: { patient: extra.tab, scope: undefined },
  });
  await smart.refresh({ scope: undefined });
  await smart.brands({ iss: 'https://ehr.example.org/fhir', vendorBundle: undefined });
  await state.query(
    { code: { system: 'https://app.example.com', code: 'a' }, subject: undefined },
    { signal: undefined },
  );
}
