import { AzureError, callAzure, readVariable } from './resourceManager.ts';

/*
 * Says what a first deployment lacks, before anything is created. What stops a deployment is an error; what no service
 * of Azure tells is said.
 */

type Region = { name: string };
type Sku = { kind: string; name: string; locations: string[]; restrictions: unknown[] };
type Account = { kind: string; name: string; location: string };
type List<Item> = { value: Item[] };

const providers = [
  ...['Microsoft.App', 'Microsoft.CognitiveServices', 'Microsoft.EventGrid', 'Microsoft.Insights'],
  ...['Microsoft.OperationalInsights', 'Microsoft.ServiceBus', 'Microsoft.Storage', 'Microsoft.Web'],
];
/** Face resources of plan S0 in a region of one subscription. */
const faceResourcesAtMost = 10;

const subscription = readVariable('AZURE_SUBSCRIPTION_ID');
const location = toRegion(readVariable('AZURE_LOCATION'));
const faceResource = process.env['FACE_RESOURCE'] ?? '';
const sku = process.env['FACE_SKU'] ?? 'S0';

const faces = `/subscriptions/${subscription}/providers/Microsoft.CognitiveServices`;
const faceVersion = 'api-version=2024-10-01';
const accounts = (await callAzure<List<Account>>('GET', `${faces}/accounts?${faceVersion}`)).value.filter(
  ({ kind }) => kind === 'Face',
);
const missing = [
  ...(await missingProviders()),
  ...(await missingInRegion()),
  ...(faceResource === '' ? [...(await missingFace()), ...missingTerms()] : []),
];
for (const line of missing) console.error(`✗ ${line}`);
if (missing.length > 0) {
  console.error('\nNothing was created. Repeat azd up when this is done.');
  process.exitCode = 1;
} else {
  console.log(
    'Identification is a Limited Access feature of Face: without the approval of this subscription ' +
      '(https://aka.ms/facerecognition) the first call ends with face_access_denied. Azure does not tell beforehand.',
  );
}

async function missingProviders(): Promise<string[]> {
  const states = await Promise.all(
    providers.map((name) =>
      callAzure<{ registrationState: string }>(
        'GET',
        `/subscriptions/${subscription}/providers/${name}?api-version=2021-04-01`,
      ),
    ),
  );
  return providers
    .filter((_name, index) => states[index]?.registrationState !== 'Registered')
    .map(
      (name) =>
        `The subscription does not know ${name}: register it in the portal, under Resource providers.`,
    );
}

async function missingInRegion(): Promise<string[]> {
  const flex = await callAzure<List<Region>>(
    'GET',
    `/subscriptions/${subscription}/providers/Microsoft.Web/geoRegions?sku=FlexConsumption&api-version=2024-04-01`,
  );
  const skus = await callAzure<List<Sku>>('GET', `${faces}/skus?${faceVersion}`);
  const flexRegions = flex.value.map(({ name }) => toRegion(name));
  const faceRegions = skus.value
    .filter(({ kind, name, restrictions }) => kind === 'Face' && name === sku && restrictions.length === 0)
    .flatMap(({ locations }) => locations.map(toRegion));
  const both = flexRegions.filter((region) => faceRegions.includes(region)).toSorted();
  const where = `Regions that offer both to this subscription: ${both.join(', ')}.`;
  return [
    ...(flexRegions.includes(location) ? [] : [`${location} has no Flex Consumption. ${where}`]),
    ...(faceResource !== '' || faceRegions.includes(location)
      ? []
      : [`${location} has no Face of plan ${sku} for this subscription. ${where}`]),
  ];
}

async function missingFace(): Promise<string[]> {
  const name = process.env['FACE_NAME'] ?? '';
  const here = accounts.filter((account) => toRegion(account.location) === location);
  const deleted = await callAzure<List<{ name: string }>>(
    'GET',
    `${faces}/deletedAccounts?${faceVersion}`,
  ).catch((error: unknown) => {
    // Who may deploy need not have the right to list what was deleted.
    if (error instanceof AzureError && error.status === 403) return { value: [] };
    throw error;
  });
  const isDeleted = name !== '' && deleted.value.some((account) => account.name === name);
  return [
    ...(here.length < faceResourcesAtMost
      ? []
      : [
          `${location} has ${here.length} Face resources of this subscription, and ${faceResourcesAtMost} are allowed: ` +
            'choose another region, or an existing resource with azd env set FACE_RESOURCE NAME.',
        ]),
    ...(isDeleted
      ? [
          `The Face resource ${name} was deleted and is kept for 48 hours: purge it in the portal, under Manage deleted resources.`,
        ]
      : []),
  ];
}

/** The terms are accepted once for each subscription; a Face resource shows that they were. */
function missingTerms(): string[] {
  if (accounts.length > 0 || process.env['FACE_TERMS_ACCEPTED'] === 'true') return [];
  return [
    'This subscription has no Face resource yet. Its first one has to be created in the portal, where the Responsible AI ' +
      'terms are accepted; a template cannot do that (ResourceKindRequireAcceptTerms). Create one, delete and purge it if ' +
      'you like, then: azd env set FACE_TERMS_ACCEPTED true',
  ];
}

/** `West Europe` and `westeurope` are the same region. */
function toRegion(name: string): string {
  return name.replaceAll(' ', '').toLowerCase();
}
