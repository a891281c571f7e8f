export { SmartOnFhirModule } from './smart-on-fhir.module.js';
export { SmartSessionGuard } from './nest/smart-session.guard.js';
export { FhirClient } from './nest/fhir-client.decorator.js';
export { RequireContext, RequireScopes } from './nest/require.decorators.js';
export type { ContextName } from './nest/requirements.js';
export { SmartHealth } from './nest/smart-health.js';
export type { SmartHealthResult } from './nest/smart-health.js';
export { SmartClients } from './nest/smart-clients.js';
export { SmartErrorFilter } from './nest/smart-error.filter.js';
export { SMART_ON_FHIR_OPTIONS } from './nest/module-definition.js';
export type {
  SmartOnFhirModuleExtras,
  SmartOnFhirModuleOptions,
  SmartOnFhirOptionsFactory,
  SmartRoutes,
  SmartSessionOptions,
} from './nest/module-options.js';

export { SmartClient } from './smart-client.js';
export type { NotReady } from './smart-client.js';
export type { Redirect } from './start-launch.js';
export type {
  AuthorizeOverrides,
  FakeTokenResponse,
  LaunchOverrides,
  OpenLaunchParameters,
} from './launch-parameters.js';
export type { JsonValue } from './http/json.js';
export type { FhirCacheOptions } from './launch-reads.js';
export type { SmartClientOptions, SmartLogger, SmartSessionLifetimeOptions } from './smart-client-options.js';
export type { SmartSession } from './active-launch.js';
export type { CallbackParameters } from './callback-parameters.js';

export { SmartBackendModule } from './nest/backend/smart-backend.module.js';
export { InjectBackendFhirClient, backendFhirClientToken } from './nest/backend/inject-backend.decorator.js';
export type {
  SmartBackendModuleExtras,
  SmartBackendModuleOptions,
  SmartBackendOptionsFactory,
} from './nest/backend/module-options.js';
export { BackendFhirClient } from './backend-fhir-client.js';
export type { BackendFhirClientConfiguration, BackendFhirClientOptions } from './backend-configuration.js';

export { SmartLaunchModule } from './smart-launch/smart-launch.module.js';
export { SmartLaunchService } from './smart-launch/smart-launch.service.js';
export type { LaunchLink, LaunchTaker, PreparedLaunch } from './smart-launch/smart-launch.service.js';
export type {
  LaunchInPreparation,
  ReadResource,
  SmartLaunchEvent,
  SmartLaunchModuleExtras,
  SmartLaunchModuleOptions,
  SmartLaunchOptionsFactory,
} from './smart-launch/module-options.js';
export type { ClientApplication, ClientApplicationStore } from './smart-launch/client-application.js';
export type { SmartAppLaunchStore } from './smart-launch/launch-store.js';
export { launchMembersFor } from './smart-launch/launch-members.js';
export type { LaunchMembers } from './smart-launch/launch-members.js';
export { issueSmartAppLaunch } from './smart-launch/smart-app-launch.js';
export type { SmartAppLaunch, SmartAppLaunchResource } from './smart-launch/smart-app-launch.js';

export { ReadyClient } from './ready-client.js';
export type { ContextResource, PatientContext } from './ready-client.js';
export type { FhirCalls } from './fhir-calls.js';
export type { BundleContent, Stored } from './fhir-calls.js';
export type {
  FhirRequestResult,
  ReferenceLike,
  ResolveOptions,
  ResolveReferencesOptions,
} from './fhir-reads.js';
export type { BatchOptions } from './batched-exchange.js';
export type { LaunchState, Redacted } from './launch-state.js';
export type { ValidationFinding } from './validation-report.js';
export type { MissingReference, ResolvedReferences } from './fhir/resolve-references.js';
export { byCode, byCodes } from './fhir/by-code.js';
export type { CodedProperty } from './fhir/by-code.js';
export { getPath } from './fhir/get-path.js';
export type { PathValue } from './fhir/get-path.js';
export { units } from './fhir/units.js';
export type { QuantityLike } from './fhir/units.js';
export type {
  FhirChangeOptions,
  FhirCreateOptions,
  FhirHeaders,
  FhirMethod,
  FhirReadOptions,
  FhirRequest,
  FhirRequestOptions,
  FhirWriteOptions,
  RetryOptions,
} from './fhir/request-options.js';
export type { FhirHistoryOptions } from './fhir/history-path.js';
export type { FhirOperationOptions, OperationParameters, OperationResult } from './fhir/operation-path.js';
export { outcomeText } from './fhir/operation-outcome.js';
export type { Answered, BinaryContent, FhirResponse } from './fhir/response.js';
export type { JsonPatchOperation } from './fhir/json-patch.js';
export { escapeSearchValue } from './fhir/search-parameters.js';
export type {
  SearchAlternatives,
  SearchParameters,
  SearchPrefixes,
  SearchQuery,
  SearchValue,
} from './fhir/search-parameters.js';
export type { SearchOptions, SearchResult } from './fhir/search-result.js';
export type { SearchMethod } from './fhir/search-request.js';
export type { IncludedBy, SearchResultOf } from './fhir/search-types.js';
export type { PatientCompartmentType } from './fhir/patient-compartment-data.js';
export type {
  AnyResource,
  BundleOf,
  FhirResult,
  FhirResultOf,
  FhirVersion,
  ResourceOf,
  ResourceTypeName,
} from './fhir/fhir-types.js';
export { readLaunchTask } from './fhir/launch-task.js';
export type { LaunchTask } from './fhir/launch-task.js';
export type { SmartStyle } from './fhir/smart-style.js';
export type { StandardSchema } from './fhir/standard-schema.js';
export { AppState } from './app-state.js';
export type { AppStateOptions, AppStateQuery } from './app-state.js';
export type { AppStateCode, AppStateExtension, NewAppState, StoredAppState } from './app-state-resource.js';
export { portalsOf, readBrandBundle } from './brands/brand-bundle.js';
export type {
  Brand,
  BrandAddress,
  BrandBundle,
  BrandIdentifier,
  BrandPortal,
} from './brands/brand-bundle.js';
export type { BrandEndpoint } from './brands/brand-endpoints.js';
export { UserAccessBrands } from './brands/user-access-brands.js';
export type { UserAccessBrandsOptions } from './brands/user-access-brands.js';
export type { ServerBrands } from './server-brands.js';
export { SmartScopes, parseResourceScope as parseScope } from './scope/scope.js';
export type { ResourceScope } from './scope/scope.js';
export {
  mergeScopes,
  printScope,
  scopesFromUris,
  scopesToUris,
  toV1Scopes,
  toV2Scopes,
} from './scope/scope-language.js';

export { SmartError, isSmartError, unwrap } from './smart-error.js';
export type { SmartErrorCode, SmartErrorDetails } from './smart-error.js';

export type {
  ClientAuthenticationConfiguration,
  ClientCryptoKey,
  ClientPrivateKey,
  ClientRegistration,
  ClientSigner,
  EndpointOverrides,
  IssuerMatch,
  KnownFhirServer,
  KnownFhirServerSwitches,
  LaunchTarget,
  LookUpRegistration,
  PkceMode,
  PushedAuthorizationRequests,
  SmartClientConfiguration,
} from './ehr/known-fhir-server.js';
export { EhrPresets } from './ehr/presets.js';
export type { FhirContextItem, LaunchContext } from './ehr/launch-context.js';
export { supports } from './ehr/smart-configuration.js';
export type { AssociatedEndpoint, SmartCapability, SmartConfiguration } from './ehr/smart-configuration.js';
export type { AuthorizationForm } from './token/authorization-request.js';
export type { Introspection } from './token/introspection.js';
export type { SmartEvent } from './smart-event.js';
export { redisStorage } from './session/redis-connection.js';
export type {
  RedisClient,
  RedisClusterOptions,
  RedisNodeOptions,
  RedisOptions,
  RedisSentinelOptions,
} from './session/redis-client.js';
export type { CacheWithStores, SmartStorage, SmartStorageOption } from './session/smart-storage.js';
