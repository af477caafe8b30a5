const { appendFileSync } = require('node:fs');
const { app } = require('@azure/functions');

/** Tells the test what a trigger handed over. */
const tell = (what, value) => appendFileSync(process.env.SEEN_FILE, `${JSON.stringify({ what, value })}\n`);

app.http('echo', {
  route: 'things/{name}/parts/{*rest}',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async (request) => ({
    status: 201,
    jsonBody: {
      params: request.params,
      query: Object.fromEntries(request.query),
      body: await request.text(),
      header: request.headers.get('x-thing'),
    },
  }),
});
app.http('literal', { route: 'things/special', authLevel: 'function', handler: () => ({ body: 'literal' }) });
app.http('fails', {
  route: 'fails',
  authLevel: 'anonymous',
  handler: () => {
    throw new Error('on purpose');
  },
});
app.serviceBusQueue('plainMessage', {
  queueName: 'plain',
  connection: 'BUS',
  handler: (message, context) => {
    const { deliveryCount, messageId } = context.triggerMetadata;
    tell('plain', { message, deliveryCount, messageId });
    if (message.fail) throw new Error('on purpose');
  },
});
app.serviceBusQueue('sessionMessage', {
  queueName: 'sessions',
  connection: 'BUS',
  isSessionsEnabled: true,
  handler: (message, context) => tell('session', { message, sessionId: context.triggerMetadata.sessionId }),
});
app.storageBlob('blob', {
  path: 'drop/{name}',
  connection: 'STORAGE',
  source: 'EventGrid',
  handler: (blob, context) => {
    const { blobTrigger, name, properties } = context.triggerMetadata;
    tell('blob', {
      text: blob.toString(),
      blobTrigger,
      name,
      length: properties.contentLength,
      etag: properties.eTag,
    });
    if (blob.toString() === 'fail') throw new Error('on purpose');
  },
});
app.eventGrid('event', { handler: (event) => tell('event', event.subject) });
app.timer('timer', { schedule: '0 0 0 1 1 *', handler: (timer) => tell('timer', timer.isPastDue) });
