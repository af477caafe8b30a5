import createClient, { getLongRunningPoller, isUnexpected } from '@azure-rest/ai-vision-face';
import { AzureKeyCredential } from '@azure/core-auth';

/*
 * What Microsoft's quickstart does, as a program of its own: NODE_EXTRA_CA_CERTS is read at the start of a process.
 * FACE_ENDPOINT, FACE_APIKEY, and the URLs that pictures lie below as the argument. Prints the candidates.
 */

const { FACE_ENDPOINT: endpoint = '', FACE_APIKEY: key = '' } = process.env;
const base = process.argv[2] ?? '';
const group = 'quickstart';
const client = createClient(endpoint, new AzureKeyCredential(key), { retryOptions: { maxRetries: 0 } });

function body<Answer extends { status: string; body: unknown }>(
  answer: Answer,
): Exclude<Answer['body'], { error: unknown }> {
  if (Number(answer.status) >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body as Exclude<Answer['body'], { error: unknown }>;
}

const picture = (url: string) => ({
  contentType: 'application/json' as const,
  body: { url: `${base}${url}` },
});

body(
  await client
    .path('/largepersongroups/{largePersonGroupId}', group)
    .put({ body: { name: group, recognitionModel: 'recognition_04' } }),
);
const { personId } = body(
  await client
    .path('/largepersongroups/{largePersonGroupId}/persons', group)
    .post({ body: { name: 'Franck' } }),
);
const faces = client.path(
  '/largepersongroups/{largePersonGroupId}/persons/{personId}/persistedfaces',
  group,
  personId,
);
// Two faces of one person at once.
await Promise.all(
  ['franck_01829.jpg', 'franck_02045.jpg?size=full'].map(async (url) =>
    body(await faces.post({ ...picture(url), queryParameters: { detectionModel: 'detection_03' } })),
  ),
);
const training = await client.path('/largepersongroups/{largePersonGroupId}/train', group).post();
if (isUnexpected(training)) throw new Error(training.body.error.message);
const poller = await getLongRunningPoller(client, training, { intervalInMs: 50 });
await poller.pollUntilDone();
const [detected] = body(
  await client.path('/detect').post({
    ...picture('franck_04117.jpg'),
    queryParameters: {
      detectionModel: 'detection_03',
      recognitionModel: 'recognition_04',
      returnFaceId: true,
    },
  }),
);
const [identified] = body(
  await client
    .path('/identify')
    .post({ body: { faceIds: [detected?.faceId ?? ''], largePersonGroupId: group } }),
);
process.stdout.write(
  JSON.stringify({ personId, candidates: identified?.candidates.map((candidate) => candidate.personId) }),
);
